// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { publicKeyOf, type RsaSigner } from '../crypto/rsa.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { fromRsaPublicKey, samePublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { type CreateKeyPair, KeyPairInfo } from '../wire/message/kms.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { type PrivateKeyHome, rsaSignerOf } from './private-keys.ts';
import { Envelope, type Sealer } from './sealing.ts';

/** A key file: what is public, and the name of the private key sealed and bound to it. */
const KeyFile = Type.Object({ info: KeyPairInfo, envelope: Envelope }, { additionalProperties: false });
type KeyFile = Static<typeof KeyFile>;

interface HeldKey {
  readonly info: KeyPairInfo;
  readonly signer: RsaSigner;
}

const isKeyFile = (value: unknown): value is KeyFile => Check(KeyFile, value);
/** The public part, byte for byte as sealed: a file that was renamed or edited does not open. */
const contextOf = (info: KeyPairInfo): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify([info.label, info.purpose, info.createdAt, info.publicKey.modulus, info.publicKey.exponent]),
  );

/** RSA key pairs by label, each a sealed file of one folder. */
export class KeyPairs {
  readonly #folder: string;
  readonly #sealer: Sealer;
  readonly #home: PrivateKeyHome;
  readonly #held = new Map<string, Promise<HeldKey | undefined>>();

  constructor(folder: string, sealer: Sealer, home: PrivateKeyHome) {
    this.#folder = folder;
    this.#sealer = sealer;
    this.#home = home;
  }

  close(): void {
    this.#held.clear();
  }

  async createKeyPair(wanted: CreateKeyPair): Promise<KeyPairInfo> {
    const known = await this.#find(wanted.label);
    const held = known ?? (await this.#make(wanted));
    const { info } = held;
    const bits = (info.publicKey.modulus.length / 2) * 8;
    if (info.purpose !== wanted.purpose || bits !== wanted.keySizeBits) {
      throw new ConflictError(
        'key-label-taken',
        `${wanted.label} names a key pair of another purpose or size: choose another label`,
        {
          label: wanted.label,
        },
      );
    }
    return info;
  }

  async signer(label: string, purpose: KeyPairInfo['purpose']): Promise<RsaSigner> {
    const held = await this.#find(label);
    if (held === undefined) throw new NotFoundError('no-such-key', `There is no key pair ${label}`, { label });
    if (held.info.purpose !== purpose) {
      throw new KeyError('key-purpose', `${label} is not a key pair for this`, {
        label,
        expected: purpose,
        got: held.info.purpose,
      });
    }
    return held.signer;
  }

  /** Reads a key once; whoever asks meanwhile waits for the same reading. */
  #find(label: string): Promise<HeldKey | undefined> {
    const held = this.#held.get(label) ?? this.#read(label);
    this.#held.set(label, held);
    held.then(
      (found) => found === undefined && this.#held.get(label) === held && this.#held.delete(label),
      () => this.#held.get(label) === held && this.#held.delete(label),
    );
    return held;
  }

  async #make(wanted: CreateKeyPair): Promise<HeldKey> {
    // Nothing is awaited between the look and this line, so a second request finds the first one's work.
    const running = this.#held.get(wanted.label);
    const making = running ?? this.#generate(wanted);
    if (running === undefined) this.#held.set(wanted.label, making);
    try {
      const made = await making;
      return made ?? (await this.#make(wanted));
    } catch (error) {
      if (this.#held.get(wanted.label) === making) this.#held.delete(wanted.label);
      throw error;
    }
  }

  async #generate({ label, purpose, keySizeBits }: CreateKeyPair): Promise<HeldKey | undefined> {
    const { name, publicKey } = await this.#home.generate({ rsaBits: keySizeBits });
    const info: KeyPairInfo = {
      label,
      purpose,
      publicKey: toRsaPublicKey(publicKeyOf(publicKey)),
      createdAt: new Date().toISOString(),
    };
    try {
      const file: KeyFile = { info, envelope: await this.#sealer.seal(name, contextOf(info)) };
      if (!(await createDurably(this.#file(label), JSON.stringify(file)))) await this.#home.discard(name);
    } finally {
      name.fill(0);
    }
    // Read back: what counts is what is on the disk, also when another process was first.
    return this.#read(label);
  }

  async #read(label: string): Promise<HeldKey | undefined> {
    const path = this.#file(label);
    const text = await readPrivate(path);
    if (text === undefined) return undefined;
    const file = parse(text);
    if (!isKeyFile(file) || file.info.label !== label)
      throw new KeyError('key-unreadable', `${path} is not a key file`, { label });
    const name = await this.#sealer.unseal(file.envelope, contextOf(file.info));
    const signer = rsaSignerOf(await this.#home.open(name).finally(() => name.fill(0)));
    if (!samePublicKey(signer.publicKey, fromRsaPublicKey(file.info.publicKey))) {
      throw new KeyError('key-unreadable', `${path} holds halves of two key pairs`, { label });
    }
    return { info: file.info, signer };
  }

  /** Labels may hold characters that file names may not. */
  #file(label: string): string {
    return join(this.#folder, `${createHash('sha256').update(label).digest('hex').slice(0, 32)}.key.json`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
