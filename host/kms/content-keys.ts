// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPair, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { type ContentKey, contentKey } from '../crypto/content-key.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { toHex } from '../wire/hex.ts';
import { ContentKeyInfo, type CreateContentKey } from '../wire/message/content-key.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { Envelope, type SealingKey } from './sealing.ts';

const KeyFile = Type.Object({ info: ContentKeyInfo, envelope: Envelope }, { additionalProperties: false });
type KeyFile = Static<typeof KeyFile>;

interface HeldKey {
  readonly info: ContentKeyInfo;
  readonly key: ContentKey;
}

const generate = promisify(generateKeyPair);

/** A new key as crypto/content-key.ts reads it. */
async function newKey(algorithm: CreateContentKey['algorithm']): Promise<string> {
  if (algorithm === '3des') return `des:${toHex(randomBytes(16))}`;
  const size = Number(algorithm.split('-')[1]);
  if (algorithm === 'aes-128' || algorithm === 'aes-256') return `aes:${toHex(randomBytes(size / 8))}`;
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const made =
    algorithm === 'p-256'
      ? await generate('ec', { namedCurve: 'P-256', privateKeyEncoding: pem, publicKeyEncoding })
      : await generate('rsa', { modulusLength: size, privateKeyEncoding: pem, publicKeyEncoding });
  return made.privateKey;
}

/** The public part, byte for byte as sealed: a file that was renamed or edited does not open. */
const contextOf = ({ label, use, algorithm, createdAt }: ContentKeyInfo): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(['content key', label, use, algorithm, createdAt]));

/** Keys for tokens, receipts and DAPs, in sealed files beside the key pairs. */
export class ContentKeys {
  readonly #folder: string;
  readonly #sealingKey: SealingKey;
  readonly #held = new Map<string, HeldKey>();

  constructor(folder: string, sealingKey: SealingKey) {
    this.#folder = folder;
    this.#sealingKey = sealingKey;
  }

  /** Makes the key, or returns the one of that label when it is alike. @throws ConflictError `key-label-taken` */
  async create({ label, use, algorithm }: CreateContentKey): Promise<ContentKeyInfo> {
    const { info } = (await this.#find(label)) ?? (await this.#make({ label, use, algorithm }));
    if (info.use === use && info.algorithm === algorithm) return info;
    throw new ConflictError(
      'key-label-taken',
      `${label} names a content key of another use or algorithm: choose another label`,
      { label },
    );
  }

  /** @throws NotFoundError `no-such-key` @throws KeyError `key-purpose` for a key that is for something else */
  async use(label: string, use?: CreateContentKey['use']): Promise<HeldKey> {
    const held = await this.#find(label);
    if (held === undefined) throw new NotFoundError('no-such-key', `There is no content key ${label}`, { label });
    if (use === undefined || held.info.use === use) return held;
    throw new KeyError('key-purpose', `${label} is not a key for this`, { label, expected: use, got: held.info.use });
  }

  close(): void {
    for (const { key } of this.#held.values()) if ('secret' in key.forCard) key.forCard.secret.wipe();
    this.#held.clear();
  }

  async #find(label: string): Promise<HeldKey | undefined> {
    const held = this.#held.get(label) ?? (await this.#read(label));
    if (held !== undefined) this.#held.set(label, held);
    return held;
  }

  async #make(wanted: CreateContentKey): Promise<HeldKey> {
    const info: ContentKeyInfo = { ...wanted, createdAt: new Date().toISOString() };
    const plain = new TextEncoder().encode(await newKey(wanted.algorithm));
    const file: KeyFile = { info, envelope: this.#sealingKey.seal(plain, contextOf(info)) };
    plain.fill(0);
    await createDurably(this.#file(wanted.label), JSON.stringify(file));
    // Read back: what counts is what is on the disk, also when another process was first.
    const made = await this.#find(wanted.label);
    if (made === undefined) throw new KeyError('key-unreadable', 'The content key is gone', { label: wanted.label });
    return made;
  }

  async #read(label: string): Promise<HeldKey | undefined> {
    const path = this.#file(label);
    const text = await readPrivate(path);
    if (text === undefined) return undefined;
    const file = parse(text);
    if (!Check(KeyFile, file) || file.info.label !== label)
      throw new KeyError('key-unreadable', `${path} is no file of a content key`, { label });
    const plain = this.#sealingKey.unseal(file.envelope, contextOf(file.info));
    const key = contentKey(new TextDecoder().decode(plain));
    plain.fill(0);
    return { info: file.info, key };
  }

  #file(label: string): string {
    return join(this.#folder, `${createHash('sha256').update(label).digest('hex').slice(0, 32)}.content.json`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
