// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { type CardPart, contentKey } from '../crypto/content-key.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { toHex } from '../wire/hex.ts';
import { ContentKeyInfo, type CreateContentKey } from '../wire/message/content-key.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import type { PrivateKeyHome, PrivateKeyKind, SignatureScheme } from './private-keys.ts';
import { Envelope, type Sealer } from './sealing.ts';

const KeyFile = Type.Object({ info: ContentKeyInfo, envelope: Envelope }, { additionalProperties: false });
type KeyFile = Static<typeof KeyFile>;

/** A key at work; disposed of by who asked for it. */
export interface HeldContentKey extends Disposable {
  readonly info: ContentKeyInfo;
  sign(data: Uint8Array): Promise<Uint8Array>;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
  readonly forCard: CardPart;
}

const SYMMETRIC: Readonly<Partial<Record<CreateContentKey['algorithm'], readonly ['aes' | 'des', number]>>> = {
  'aes-128': ['aes', 16],
  'aes-256': ['aes', 32],
  '3des': ['des', 16],
};
const SCHEMES: Readonly<Partial<Record<CreateContentKey['algorithm'], SignatureScheme>>> = {
  'rsa-1024': 'rsa-sha1',
  'rsa-2048': 'rsa-pss-sha256',
  'p-256': 'ecdsa-sha256',
};

const kindOf = (algorithm: CreateContentKey['algorithm']): PrivateKeyKind =>
  algorithm === 'p-256' ? algorithm : { rsaBits: Number(algorithm.split('-')[1]) };

/** The public part, byte for byte as sealed: a file that was renamed or edited does not open. */
const contextOf = ({ label, use, algorithm, createdAt }: ContentKeyInfo): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(['content key', label, use, algorithm, createdAt]));

/** Keys for tokens, receipts and DAPs, in sealed files beside the key pairs. */
export class ContentKeys {
  readonly #folder: string;
  readonly #sealer: Sealer;
  readonly #home: PrivateKeyHome;
  readonly #held = new Map<string, HeldContentKey>();

  constructor(folder: string, sealer: Sealer, home: PrivateKeyHome) {
    this.#folder = folder;
    this.#sealer = sealer;
    this.#home = home;
  }

  /** Makes the key, or returns the one of that label when it is alike. @throws ConflictError `key-label-taken` */
  async create({ label, use, algorithm }: CreateContentKey): Promise<ContentKeyInfo> {
    using held = (await this.#find(label)) ?? (await this.#make({ label, use, algorithm }));
    const { info } = held;
    if (info.use === use && info.algorithm === algorithm) return info;
    throw new ConflictError(
      'key-label-taken',
      `${label} names a content key of another use or algorithm: choose another label`,
      { label },
    );
  }

  /** @throws NotFoundError `no-such-key` @throws KeyError `key-purpose` for a key that is for something else */
  async use(label: string, use?: CreateContentKey['use']): Promise<HeldContentKey> {
    const held = await this.#find(label);
    if (held === undefined) throw new NotFoundError('no-such-key', `There is no content key ${label}`, { label });
    if (use === undefined || held.info.use === use) return held;
    throw new KeyError('key-purpose', `${label} is not a key for this`, { label, expected: use, got: held.info.use });
  }

  close(): void {
    for (const { forCard } of this.#held.values()) if ('secret' in forCard) forCard.secret.wipe();
    this.#held.clear();
  }

  async #find(label: string): Promise<HeldContentKey | undefined> {
    const held = this.#held.get(label) ?? (await this.#read(label));
    if (held !== undefined && (this.#sealer.keepsOpened || !('secret' in held.forCard))) this.#held.set(label, held);
    return held;
  }

  async #make(wanted: CreateContentKey): Promise<HeldContentKey> {
    const info: ContentKeyInfo = { ...wanted, createdAt: new Date().toISOString() };
    const symmetric = SYMMETRIC[wanted.algorithm];
    const plain =
      symmetric === undefined
        ? (await this.#home.generate(kindOf(wanted.algorithm))).name
        : new TextEncoder().encode(`${symmetric[0]}:${toHex(randomBytes(symmetric[1]))}`);
    try {
      const file: KeyFile = { info, envelope: await this.#sealer.seal(plain, contextOf(info)) };
      const first = await createDurably(this.#file(wanted.label), JSON.stringify(file));
      if (!first && symmetric === undefined) await this.#home.discard(plain);
    } finally {
      plain.fill(0);
    }
    // Read back: what counts is what is on the disk, also when another process was first.
    const made = await this.#find(wanted.label);
    if (made === undefined) throw new KeyError('key-unreadable', 'The content key is gone', { label: wanted.label });
    return made;
  }

  async #read(label: string): Promise<HeldContentKey | undefined> {
    const path = this.#file(label);
    const text = await readPrivate(path);
    if (text === undefined) return undefined;
    const file = parse(text);
    if (!Check(KeyFile, file) || file.info.label !== label)
      throw new KeyError('key-unreadable', `${path} is no file of a content key`, { label });
    const plain = await this.#sealer.unseal(file.envelope, contextOf(file.info));
    try {
      return await this.#opened(file.info, plain);
    } finally {
      plain.fill(0);
    }
  }

  async #opened(info: ContentKeyInfo, plain: Uint8Array): Promise<HeldContentKey> {
    const scheme = SCHEMES[info.algorithm];
    if (scheme === undefined) {
      const key = contentKey(new TextDecoder().decode(plain));
      const wipe = () => 'secret' in key.forCard && !this.#sealer.keepsOpened && key.forCard.secret.wipe();
      return {
        info,
        forCard: key.forCard,
        verify: key.verify,
        sign: async (data) => key.sign(data),
        [Symbol.dispose]: () => void wipe(),
      };
    }
    const own = await this.#home.open(plain);
    const { forCard, verify } = contentKey(own.publicKey.export({ type: 'spki', format: 'pem' }).toString());
    return { info, forCard, verify, sign: (data) => own.sign(scheme, data), [Symbol.dispose]: () => {} };
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
