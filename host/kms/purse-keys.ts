// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { aesKeyCheckValue } from '../crypto/aes.ts';
import { desKeyCheckValue } from '../crypto/kcv.ts';
import { Secret } from '../crypto/secret.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { concat, fromHex, toHex } from '../wire/hex.ts';
import { type CreatePurseKeySet, PurseKeySetInfo } from '../wire/message/purse.ts';
import { PURSE_KEY, type PurseAlgorithm, type PurseKeyKind } from '../wire/purse/values.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { diversifyPurseKey, requirePurseKey } from './purse-cryptograms.ts';
import { Envelope, type Sealer } from './sealing.ts';

const KeyFile = Type.Object({ info: PurseKeySetInfo, envelope: Envelope }, { additionalProperties: false });
type KeyFile = Static<typeof KeyFile>;

const KINDS = Object.keys(PURSE_KEY) as readonly PurseKeyKind[];
const KEY_LENGTH = 16;

/** Keys of one card, wiped by who asked for them. */
export type CardPurseKeys = Readonly<Record<PurseKeyKind, Secret>>;

interface HeldSet {
  readonly info: PurseKeySetInfo;
  readonly masters: CardPurseKeys;
}

/** Master keys of purses, one set a product, in sealed files beside the key pairs. */
export class PurseKeys {
  readonly #folder: string;
  readonly #sealer: Sealer;
  readonly #held = new Map<string, Promise<HeldSet | undefined>>();

  constructor(folder: string, sealer: Sealer) {
    this.#folder = folder;
    this.#sealer = sealer;
  }

  /** Makes the set, or returns the one of that label when it is alike. @throws ConflictError `key-label-taken` */
  async create({ label, algorithm }: CreatePurseKeySet): Promise<PurseKeySetInfo> {
    const held = (await this.#find(label)) ?? (await this.#make(label, algorithm));
    if (!this.#sealer.keepsOpened) wipe(held);
    if (held.info.algorithm !== algorithm)
      throw new ConflictError(
        'key-label-taken',
        `${label} names purse keys of another algorithm: choose another label`,
      );
    return held.info;
  }

  /**
   * The keys of one card, for the time of `use`.
   *
   * @param serial 16 hex digits
   * @throws NotFoundError `no-such-key`
   */
  async withCardKeys<T>(
    label: string,
    serial: string,
    use: (algorithm: PurseAlgorithm, keys: CardPurseKeys) => T,
  ): Promise<T> {
    const held = await this.#find(label);
    if (held === undefined) throw new NotFoundError('no-such-key', `There are no purse keys ${label}`, { label });
    const { algorithm } = held.info;
    try {
      return await this.#diversified(held, serial, (keys) => use(algorithm, keys));
    } finally {
      if (!this.#sealer.keepsOpened) wipe(held);
    }
  }

  async #diversified<T>(held: HeldSet, serial: string, use: (keys: CardPurseKeys) => T): Promise<T> {
    const { algorithm } = held.info;
    const keys = eachKind((kind) => {
      const key = diversifyPurseKey(algorithm, held.masters[kind].expose(), fromHex(serial, 8));
      requirePurseKey(algorithm, kind, key);
      return new Secret(key);
    });
    try {
      return use(keys);
    } finally {
      for (const kind of KINDS) keys[kind].wipe();
    }
  }

  close(): void {
    for (const held of this.#held.values()) {
      void held.then((set) => set !== undefined && wipe(set)).catch(() => {});
    }
    this.#held.clear();
  }

  async #find(label: string): Promise<HeldSet | undefined> {
    if (!this.#sealer.keepsOpened) return this.#read(label);
    const known = this.#held.get(label) ?? this.#read(label);
    this.#held.set(label, known);
    const held = await known.catch((error: unknown) => {
      this.#held.delete(label);
      throw error;
    });
    if (held === undefined) this.#held.delete(label);
    return held;
  }

  async #make(label: string, algorithm: PurseAlgorithm): Promise<HeldSet> {
    const plain = new Uint8Array(randomBytes(KINDS.length * KEY_LENGTH));
    const masters = split(plain);
    const checkValues = Object.fromEntries(KINDS.map((kind) => [kind, checkValue(algorithm, masters[kind].expose())]));
    const info: PurseKeySetInfo = { label, algorithm, checkValues, createdAt: new Date().toISOString() };
    const file: KeyFile = { info, envelope: await this.#sealer.seal(plain, contextOf(info)) };
    plain.fill(0);
    for (const kind of KINDS) masters[kind].wipe();
    await createDurably(this.#file(label), JSON.stringify(file));
    const made = await this.#find(label);
    if (made === undefined) throw new KeyError('key-unreadable', `The purse keys ${label} are gone`, { label });
    return made;
  }

  async #read(label: string): Promise<HeldSet | undefined> {
    const path = this.#file(label);
    const text = await readPrivate(path);
    if (text === undefined) return undefined;
    const file = parse(text);
    if (!isKeyFile(file) || file.info.label !== label)
      throw new KeyError('key-unreadable', `${path} is no file of purse keys`, { label });
    const plain = await this.#sealer.unseal(file.envelope, contextOf(file.info));
    if (plain.length !== KINDS.length * KEY_LENGTH)
      throw new KeyError('key-unreadable', `${path} holds other keys`, { label });
    const masters = split(plain);
    plain.fill(0);
    return { info: file.info, masters };
  }

  #file(label: string): string {
    return join(this.#folder, `${createHash('sha256').update(label).digest('hex').slice(0, 32)}.purse.json`);
  }
}

const isKeyFile = (value: unknown): value is KeyFile => Check(KeyFile, value);

function wipe({ masters }: HeldSet): void {
  for (const kind of KINDS) masters[kind].wipe();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function eachKind<T>(make: (kind: PurseKeyKind, index: number) => T): Readonly<Record<PurseKeyKind, T>> {
  const [load, purchase, tac, unload, update] = KINDS.map(make) as [T, T, T, T, T];
  return { load, purchase, tac, unload, update };
}

const split = (plain: Uint8Array): CardPurseKeys =>
  eachKind((_kind, index) => new Secret(plain.slice(index * KEY_LENGTH, (index + 1) * KEY_LENGTH)));

const checkValue = (algorithm: PurseAlgorithm, key: Uint8Array): string =>
  algorithm === 'aes' ? toHex(aesKeyCheckValue(key)) : desKeyCheckValue(key);

/** What is public, as sealed: a file that was renamed or edited does not open. */
const contextOf = ({ label, algorithm, createdAt }: PurseKeySetInfo): Uint8Array =>
  concat(new TextEncoder().encode(JSON.stringify(['purse', label, algorithm, createdAt])));
