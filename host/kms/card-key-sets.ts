// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { Secret } from '../crypto/secret.ts';
import { KeyError, NotFoundError, UsageError } from '../errors.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { MasterKeys } from './diversification.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { Envelope, type Sealer } from './sealing.ts';

const HexKey = Type.String({ pattern: '^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$' });
/** The file of a set: the keys, or master keys, of issuers' domains with SCP02 or SCP03. */
const KeySetFile = Type.Object({ enc: HexKey, mac: HexKey, dek: HexKey }, { additionalProperties: false });
type KeySetFile = Static<typeof KeySetFile>;
const isKeySetFile = (value: unknown): value is KeySetFile => Check(KeySetFile, value);

export interface KeySetSource {
  readonly label: string;
  /** A JSON file `{ enc, mac, dek }`, private to its owner; once it is sealed it has the end `.sealed`. */
  readonly file: string;
}

/** The published test keys 40 to 4F, 57 or 5F: everybody has them. */
const PUBLISHED = toHex(Uint8Array.from({ length: 32 }, (_, index) => 0x40 + index));

/** True for the test key that everybody has. */
export const isPublishedKey = (key: Uint8Array): boolean => PUBLISHED.startsWith(toHex(key));

/** ENC, MAC and DEK of issuers' domains by handle: nothing of them comes out but session keys at work. */
export class CardKeySets {
  readonly #sets: ReadonlyMap<string, MasterKeys>;
  /** Labels of sets whose files still lie in clear, because nothing may be written there. */
  readonly inClear: readonly string[];

  private constructor(sets: ReadonlyMap<string, MasterKeys>, inClear: readonly string[] = []) {
    this.#sets = sets;
    this.inClear = inClear;
  }

  static readonly none = new CardKeySets(new Map());

  /**
   * With a sealer a file in clear is replaced by `<file>.sealed`, which opens in this KMS alone and for this label.
   *
   * @throws UsageError `card-keys` for a file that is absent, open to others or out of form, or beside a sealed one
   *   of other keys
   * @throws KeyError `published-test-key` unless these are allowed; `key-unreadable` for a sealed file of another KMS
   */
  static async open(
    sources: readonly KeySetSource[],
    options: { readonly allowPublished: boolean; readonly sealer?: Sealer },
  ): Promise<CardKeySets> {
    const sets = new Map<string, MasterKeys>();
    const inClear: string[] = [];
    for (const { label, file } of sources) {
      const { keys, clear } = await readKeySet({ label, file }, options.sealer);
      if (!options.allowPublished && Object.values(keys).some((key) => PUBLISHED.startsWith(key))) {
        throw new KeyError(
          'published-test-key',
          `Key set ${label} holds the published test key: give the card’s own keys, ` +
            'or set allowPublishedTestKeys on a development machine',
          { label },
        );
      }
      if (clear && !(options.sealer !== undefined && (await seal({ label, file }, keys, options.sealer))))
        inClear.push(label);
      const secret = (hex: string) => new Secret(fromHex(hex, 32));
      sets.set(label, { enc: secret(keys.enc), mac: secret(keys.mac), dek: secret(keys.dek) });
    }
    return new CardKeySets(sets, inClear);
  }

  /** @throws NotFoundError `key-unknown` */
  find(label: string): MasterKeys {
    const found = this.#sets.get(label);
    if (found !== undefined) return found;
    throw new NotFoundError('key-unknown', `There is no card key set ${label}: name it in cardKeySets of the KMS`, {
      label,
    });
  }

  close(): void {
    for (const { enc, mac, dek } of this.#sets.values()) for (const key of [enc, mac, dek]) key.wipe();
  }
}

const sealedFile = (file: string): string => `${file}.sealed`;
const contextOf = (label: string): Uint8Array => new TextEncoder().encode(`card key set ${label}`);

/** `clear`: a file in clear is there, alone or beside its sealed one. */
async function readKeySet({ label, file }: KeySetSource, sealer: Sealer | undefined) {
  const clear = await readPrivate(file);
  const sealed = sealer === undefined ? undefined : await unsealed(sealedFile(file), contextOf(label), sealer);
  if (clear === undefined && sealed === undefined) throw new UsageError('card-keys', `${file} is not there`, { file });
  const keys = clear === undefined ? sealed : parse(clear);
  if (!isKeySetFile(keys)) {
    throw new UsageError('card-keys', `${file}: want { "enc", "mac", "dek" } of 32, 48 or 64 upper-case hex digits`, {
      file,
    });
  }
  if (clear !== undefined && isKeySetFile(sealed) && !sameKeys(keys, sealed)) {
    throw new UsageError('card-keys', `${file} has other keys than ${sealedFile(file)}: remove the one that is old`, {
      file,
    });
  }
  return { keys, clear: clear !== undefined };
}

async function unsealed(file: string, context: Uint8Array, sealer: Sealer): Promise<unknown> {
  const text = await readPrivate(file);
  if (text === undefined) return undefined;
  const envelope = parse(text);
  if (!Check(Envelope, envelope)) throw new UsageError('card-keys', `${file} is no sealed key set`, { file });
  const plain = await sealer.unseal(envelope, context);
  try {
    return parse(new TextDecoder().decode(plain));
  } finally {
    plain.fill(0);
  }
}

const sameKeys = (one: KeySetFile, other: KeySetFile): boolean =>
  one.enc === other.enc && one.mac === other.mac && one.dek === other.dek;

/** @returns false where nothing may be written; another node may do the same at this moment */
async function seal({ label, file }: KeySetSource, keys: KeySetFile, sealer: Sealer): Promise<boolean> {
  const plain = new TextEncoder().encode(JSON.stringify(keys));
  const envelope = await sealer.seal(plain, contextOf(label));
  plain.fill(0);
  try {
    await createDurably(sealedFile(file), `${JSON.stringify(envelope)}\n`);
    await rm(file, { force: true });
    return true;
  } catch (error) {
    if (/^(EACCES|EPERM|EROFS)$/.test(String((error as NodeJS.ErrnoException).code))) return false;
    throw error;
  }
}

/** The text itself is never repeated. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
