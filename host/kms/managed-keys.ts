// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { aesKeyCheckValue } from '../crypto/aes.ts';
import { desKeyCheckValue } from '../crypto/kcv.ts';
import { Secret } from '../crypto/secret.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { concat, toHex } from '../wire/hex.ts';
import { type KeyAttributes, ManagedKey } from '../wire/message/managed-keys.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { Envelope, type Sealer } from './sealing.ts';

/**
 * Keys with versions, in sealed files. A change writes the next revision under a new name, so that of two nodes that
 * share the folder one is first, and a copy of the folder is whole.
 */

const KeyFile = Type.Object(
  { info: ManagedKey, envelope: Type.Union([Envelope, Type.Null()]) },
  { additionalProperties: false },
);
type KeyFile = Static<typeof KeyFile>;
const isKeyFile = (value: unknown): value is KeyFile => Check(KeyFile, value);

const FILE = /^([0-9a-f]{32})\.(\d{6})\.managed\.json$/;
const MAX_REVISION = 999_999;

/** A key as it stands: its last revision. */
export interface HeldKey {
  readonly info: ManagedKey;
  readonly revision: number;
  /** By version; one that was destroyed has none. Wiped by who asked for them. */
  readonly secrets: ReadonlyMap<number, Secret>;
}

export const checkValueOf = ({ algorithm }: Pick<KeyAttributes, 'algorithm'>, key: Uint8Array): string =>
  algorithm === 'aes' ? toHex(aesKeyCheckValue(key)) : desKeyCheckValue(key);

const stemOf = (label: string): string => createHash('sha256').update(label).digest('hex').slice(0, 32);
const nameOf = (stem: string, revision: number): string => `${stem}.${String(revision).padStart(6, '0')}.managed.json`;
const present = ({ versions }: ManagedKey) => versions.filter(({ state }) => state !== 'destroyed');
/** All that is public, byte for byte as sealed. */
const contextOf = (info: ManagedKey, revision: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(['managed', revision, info]));

export class ManagedKeys {
  readonly #folder: string;
  readonly #sealer: Sealer;

  constructor(folder: string, sealer: Sealer) {
    this.#folder = folder;
    this.#sealer = sealer;
  }

  /** By label. */
  async list(): Promise<ManagedKey[]> {
    const stems = new Set((await this.#revisions()).map(({ stem }) => stem));
    const keys = await Promise.all([...stems].map((stem) => this.#last(stem)));
    return keys.flatMap((key) => key?.file.info ?? []).toSorted((a, b) => (a.label < b.label ? -1 : 1));
  }

  /**
   * The key, for the time of `use`.
   *
   * @throws NotFoundError `no-such-key`; KeyError `key-unreadable`
   */
  async with<T>(label: string, use: (key: HeldKey) => T | Promise<T>): Promise<T> {
    const last = await this.#last(stemOf(label));
    if (last === undefined) throw new NotFoundError('no-such-key', `There is no key ${label}`, { label });
    if (last.file.info.label !== label)
      throw new KeyError('key-unreadable', `The file of ${label} is another's`, { label });
    const secrets = await this.#open(last.file, last.revision);
    try {
      return await use({ info: last.file.info, revision: last.revision, secrets });
    } finally {
      for (const secret of secrets.values()) secret.wipe();
    }
  }

  /**
   * Writes the next revision.
   *
   * @param revision 1 for a new key
   * @param keys one for each version that is not destroyed, in order; taken over and wiped
   * @throws ConflictError when somebody else was first
   */
  async write(info: ManagedKey, revision: number, keys: readonly Uint8Array[]): Promise<void> {
    const plain = concat(...keys);
    for (const key of keys) key.fill(0);
    const envelope = plain.length === 0 ? null : await this.#sealer.seal(plain, contextOf(info, revision));
    plain.fill(0);
    const file: KeyFile = { info, envelope };
    const path = join(this.#folder, nameOf(stemOf(info.label), revision));
    if (revision > MAX_REVISION || !(await createDurably(path, JSON.stringify(file))))
      throw revision === 1
        ? new ConflictError('key-label-taken', `There is a key ${info.label}: choose another label`, {
            label: info.label,
          })
        : new ConflictError('key-changed', `Somebody else changed ${info.label} at this moment: look again`);
    await this.#forget(stemOf(info.label), revision);
  }

  /** Older revisions hold what was destroyed: only their names are kept, so that none of them can be written again. */
  async #forget(stem: string, revision: number): Promise<void> {
    const old = (await this.#revisions()).filter((other) => other.stem === stem && other.revision < revision);
    for (const other of old) await truncate(join(this.#folder, nameOf(stem, other.revision)));
  }

  async #open({ info, envelope }: KeyFile, revision: number): Promise<Map<number, Secret>> {
    const bytes = envelope === null ? new Uint8Array() : await this.#sealer.unseal(envelope, contextOf(info, revision));
    const length = info.lengthBits / 8;
    const versions = present(info);
    if (bytes.length !== versions.length * length)
      throw new KeyError('key-unreadable', `The file of ${info.label} holds other keys`, { label: info.label });
    const secrets = versions.map(({ version }, index): [number, Secret] => [
      version,
      new Secret(bytes.slice(index * length, (index + 1) * length)),
    ]);
    bytes.fill(0);
    return new Map(secrets);
  }

  async #last(stem: string): Promise<{ readonly file: KeyFile; readonly revision: number } | undefined> {
    // Another node may empty the revision that was just found: its next one is there then.
    for (let round = 0; round < 8; round += 1) {
      const revisions = (await this.#revisions())
        .filter((other) => other.stem === stem)
        .map(({ revision }) => revision);
      if (revisions.length === 0) return undefined;
      const revision = Math.max(...revisions);
      const text = await readPrivate(join(this.#folder, nameOf(stem, revision)));
      if (text !== undefined && text !== '') return { file: parsed(text, nameOf(stem, revision)), revision };
    }
    throw new ConflictError('key-changed', 'The key changes all the time: try again');
  }

  async #revisions(): Promise<{ readonly stem: string; readonly revision: number }[]> {
    return (await readdir(this.#folder)).flatMap((name) => {
      const [, stem = '', revision = ''] = FILE.exec(name) ?? [];
      return stem === '' ? [] : [{ stem, revision: Number(revision) }];
    });
  }
}

function parsed(text: string, name: string): KeyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isKeyFile(value)) return value;
  throw new KeyError('key-unreadable', `${name} is no file of a key`);
}
