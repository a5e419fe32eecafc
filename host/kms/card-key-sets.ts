// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { Secret } from '../crypto/secret.ts';
import { KeyError, NotFoundError, UsageError } from '../errors.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { MasterKeys } from './diversification.ts';
import { readPrivate } from './durable-file.ts';

const HexKey = Type.String({ pattern: '^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$' });
/** The file of a set: the keys, or master keys, of issuers' domains with SCP02 or SCP03. */
const KeySetFile = Type.Object({ enc: HexKey, mac: HexKey, dek: HexKey }, { additionalProperties: false });
type KeySetFile = Static<typeof KeySetFile>;
const isKeySetFile = (value: unknown): value is KeySetFile => Check(KeySetFile, value);

export interface KeySetSource {
  readonly label: string;
  /** A JSON file `{ enc, mac, dek }`, private to its owner. */
  readonly file: string;
}

/** The published test keys 40 to 4F, 57 or 5F: everybody has them. */
const PUBLISHED = toHex(Uint8Array.from({ length: 32 }, (_, index) => 0x40 + index));

/** True for the test key that everybody has. */
export const isPublishedKey = (key: Uint8Array): boolean => PUBLISHED.startsWith(toHex(key));

/** ENC, MAC and DEK of issuers' domains by handle: nothing of them comes out but session keys at work. */
export class CardKeySets {
  readonly #sets: ReadonlyMap<string, MasterKeys>;

  private constructor(sets: ReadonlyMap<string, MasterKeys>) {
    this.#sets = sets;
  }

  static readonly none = new CardKeySets(new Map());

  /**
   * @throws UsageError `card-keys` for a file that is absent, open to others or out of form
   * @throws KeyError `published-test-key` unless these are allowed
   */
  static async open(
    sources: readonly KeySetSource[],
    options: { readonly allowPublished: boolean },
  ): Promise<CardKeySets> {
    const sets = new Map<string, MasterKeys>();
    for (const { label, file } of sources) {
      const keys = await readKeySet(file);
      if (!options.allowPublished && Object.values(keys).some((key) => PUBLISHED.startsWith(key))) {
        throw new KeyError(
          'published-test-key',
          `Key set ${label} holds the published test key: give the card’s own keys, ` +
            'or set allowPublishedTestKeys on a development machine',
          { label },
        );
      }
      const secret = (hex: string) => new Secret(fromHex(hex, 32));
      sets.set(label, { enc: secret(keys.enc), mac: secret(keys.mac), dek: secret(keys.dek) });
    }
    return new CardKeySets(sets);
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

async function readKeySet(file: string): Promise<KeySetFile> {
  const text = await readPrivate(file);
  if (text === undefined) throw new UsageError('card-keys', `${file} is not there`, { file });
  const value = parse(text);
  if (isKeySetFile(value)) return value;
  throw new UsageError('card-keys', `${file}: want { "enc", "mac", "dek" } of 32, 48 or 64 upper-case hex digits`, {
    file,
  });
}

/** The text itself is never repeated. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
