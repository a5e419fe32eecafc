// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { Secret } from '../crypto/secret.ts';
import { InvariantError, KeyError, NotFoundError } from '../errors.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { MasterKeys } from './diversification.ts';
import type { Sealer } from './sealing.ts';
import { readSecret, type SecretFile, sealSecret } from './secret-file.ts';

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
      const secretFile = secretOf({ label, file });
      const { text, clear } = await readSecret(secretFile, options.sealer);
      const keys = keysOf(text);
      if (!options.allowPublished && Object.values(keys).some((key) => PUBLISHED.startsWith(key))) {
        throw new KeyError(
          'published-test-key',
          `Key set ${label} holds the published test key: give the card’s own keys, ` +
            'or set allowPublishedTestKeys on a development machine',
          { label },
        );
      }
      if (clear && !(options.sealer !== undefined && (await sealSecret(secretFile, text, options.sealer))))
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

/** One file of a set, in its one form. */
const secretOf = ({ label, file }: KeySetSource): SecretFile => ({
  file,
  code: 'card-keys',
  context: `card key set ${label}`,
  wanted: '{ "enc", "mac", "dek" } of 32, 48 or 64 upper-case hex digits',
  canonical: (text) => {
    const keys = parse(text);
    return isKeySetFile(keys) ? JSON.stringify({ enc: keys.enc, mac: keys.mac, dek: keys.dek }) : undefined;
  },
});

function keysOf(text: string): KeySetFile {
  const keys = parse(text);
  if (isKeySetFile(keys)) return keys;
  throw new InvariantError('card-keys', 'A set that was read has another form');
}

/** The text itself is never repeated. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
