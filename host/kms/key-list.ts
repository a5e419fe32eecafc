// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { Secret } from '../crypto/secret.ts';
import { InvariantError } from '../errors.ts';
import type { PacketKeys } from '../secure-channel/scp80/algorithms.ts';
import { fromHex } from '../wire/hex.ts';
import { plainIccid } from '../wire/iccid.ts';
import { MAX_COUNTER } from '../wire/uicc/secured-packet.ts';
import type { Sealer } from './sealing.ts';
import { openSecret, parsedJson, type SecretFile } from './secret-file.ts';

/**
 * Keys that cards came with, as their makers list them: in JSON files of mode 0600, which are sealed at start as those
 * of master keys are. A card that stands in a list has these keys, and any other those of the master key.
 */

const closed = { additionalProperties: false } as const;
const MOST = 100_000;
const Card = Type.String({ pattern: '^(iccid|iin-cin|cplc):[0-9A-F-]{4,100}$' });
const AesKey = Type.String({ pattern: '^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$' });
/** Of two neighbours that are alike single DES would be left. */
const DesKey = Type.String({ pattern: '^(?!(.{16})\\1)(?!.{16}(.{16})\\2)([0-9A-F]{32}|[0-9A-F]{48})$' });

const ofSet = {
  card: Card,
  keySet: Type.Integer({ minimum: 1, maximum: 15 }),
  /** Of the last packet that whoever had the card before has made. */
  counter: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_COUNTER })),
};
/** A key set of SCP80: key version number 1 to 15, KIc and KID under one algorithm. */
const PacketEntry = Type.Union([
  Type.Object({ ...ofSet, algorithm: Type.Literal('aes'), kic: AesKey, kid: AesKey }, closed),
  Type.Object({ ...ofSet, algorithm: Type.Literal('3des'), kic: DesKey, kid: DesKey }, closed),
]);
const PacketEntries = Type.Array(PacketEntry, { maxItems: MOST });
type PacketEntries = Static<typeof PacketEntries>;

/** A key of remote administration, 16 to 64 bytes, under the identity that its agent names. */
const AdministrationEntries = Type.Array(
  Type.Object(
    {
      identity: Type.String({ minLength: 1, maxLength: 128 }),
      psk: Type.String({ pattern: '^([0-9A-F]{2}){16,64}$' }),
    },
    closed,
  ),
  { maxItems: MOST },
);
type AdministrationEntries = Static<typeof AdministrationEntries>;

const isPacketEntries = (value: unknown): value is PacketEntries => Check(PacketEntries, value);
const isAdministrationEntries = (value: unknown): value is AdministrationEntries => Check(AdministrationEntries, value);

/** A maker's list may have an ICCID with its filler. */
const packetHandle = (card: string, keySet: number): string =>
  `${card.startsWith('iccid:') ? `iccid:${plainIccid(card.slice(6))}` : card} ${keySet}`;

interface ListKind<T> {
  readonly context: string;
  readonly wanted: string;
  readonly check: (value: unknown) => value is readonly T[];
  readonly handle: (entry: T) => string;
}

const PACKETS: ListKind<PacketEntries[number]> = {
  context: 'list of packet keys',
  wanted: '[{ "card", "keySet", "algorithm": "aes" or "3des", "kic", "kid" }], each card and set once',
  check: isPacketEntries,
  handle: ({ card, keySet }) => packetHandle(card, keySet),
};
const ADMINISTRATION: ListKind<AdministrationEntries[number]> = {
  context: 'list of administration keys',
  wanted: '[{ "identity", "psk" }], each identity once, 16 to 64 bytes in upper-case hex digits',
  check: isAdministrationEntries,
  handle: ({ identity }) => identity,
};

async function openList<T>(file: string, { context, wanted, check, handle }: ListKind<T>, sealer: Sealer | undefined) {
  const secret: SecretFile = {
    file,
    context,
    wanted,
    code: 'key-list',
    canonical: (text) => {
      const entries = parsedJson(text);
      if (!check(entries) || new Set(entries.map(handle)).size !== entries.length) return undefined;
      return JSON.stringify(entries);
    },
  };
  const { text, inClear } = await openSecret(secret, sealer);
  const entries = parsedJson(text);
  if (!check(entries)) throw new InvariantError('key-list', 'A list that was read has another form');
  return { entries, inClear };
}

/** KIc and KID of a set, both there. */
export type RequiredKeys = PacketKeys & Required<Pick<PacketKeys, 'kic' | 'kid'>>;

const copyOf = (secret: Secret): Secret => new Secret(secret.expose().slice());

/** KIc and KID of cards that came with their own. */
export class PacketKeyList implements Disposable {
  readonly #sets: ReadonlyMap<string, RequiredKeys & { readonly counter: number }>;
  /** True: its file lies in clear still, because nothing may be written there. */
  readonly inClear: boolean;

  private constructor(sets: ReadonlyMap<string, RequiredKeys & { readonly counter: number }>, inClear: boolean) {
    this.#sets = sets;
    this.inClear = inClear;
  }

  /** @throws UsageError `key-list`, `file-mode`; KeyError `key-unreadable` */
  static async open(file: string, sealer?: Sealer): Promise<PacketKeyList> {
    const { entries, inClear } = await openList(file, PACKETS, sealer);
    const sets = entries.map(({ card, keySet, algorithm, kic, kid, counter = 0 }) => {
      const key = (hex: string) => ({ algorithm: algorithmOf(algorithm, hex), key: new Secret(fromHex(hex, 32)) });
      return [packetHandle(card, keySet), { keySet, kic: key(kic), kid: key(kid), counter }] as const;
    });
    return new PacketKeyList(new Map(sets), inClear);
  }

  /** Copies that the caller wipes; undefined for a set that is not listed. */
  find({ card, keySet }: { readonly card: string; readonly keySet: number }): RequiredKeys | undefined {
    const listed = this.#sets.get(packetHandle(card, keySet));
    if (listed === undefined) return undefined;
    const { kic, kid } = listed;
    return { keySet, kic: { ...kic, key: copyOf(kic.key) }, kid: { ...kid, key: copyOf(kid.key) } };
  }

  /** Of the last packet that was made for a set before it came here; 0 where none is known. */
  counterOf({ card, keySet }: { readonly card: string; readonly keySet: number }): number {
    return this.#sets.get(packetHandle(card, keySet))?.counter ?? 0;
  }

  [Symbol.dispose](): void {
    for (const { kic, kid } of this.#sets.values()) for (const one of [kic, kid]) one.key.wipe();
  }
}

function algorithmOf(family: 'aes' | '3des', hex: string): 'aes' | 'triple-des-2' | 'triple-des-3' {
  if (family === 'aes') return 'aes';
  return hex.length === 32 ? 'triple-des-2' : 'triple-des-3';
}

/** Pre-shared keys of agents that came with their own. */
export class AdministrationKeyList implements Disposable {
  readonly #keys: ReadonlyMap<string, Secret>;
  /** True: its file lies in clear still, because nothing may be written there. */
  readonly inClear: boolean;

  private constructor(keys: ReadonlyMap<string, Secret>, inClear: boolean) {
    this.#keys = keys;
    this.inClear = inClear;
  }

  /** @throws UsageError `key-list`, `file-mode`; KeyError `key-unreadable` */
  static async open(file: string, sealer?: Sealer): Promise<AdministrationKeyList> {
    const { entries, inClear } = await openList(file, ADMINISTRATION, sealer);
    const keys = entries.map(({ identity, psk }) => [identity, new Secret(fromHex(psk, 64))] as const);
    return new AdministrationKeyList(new Map(keys), inClear);
  }

  /** A copy; undefined for an identity that is not listed. */
  find(identity: string): Uint8Array | undefined {
    return this.#keys.get(identity)?.expose().slice();
  }

  [Symbol.dispose](): void {
    for (const key of this.#keys.values()) key.wipe();
  }
}
