// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, generateKeyPair } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { type RsaSigner, rsaSigner } from '../crypto/rsa.ts';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { fromRsaPublicKey, samePublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { type CreateKeyPair, KeyPairInfo } from '../wire/message/kms.ts';
import { ContentKeys } from './content-keys.ts';
import { createDurably, preparePrivateFolder, readPrivate, removeLeftovers } from './durable-file.ts';
import type { KeyProvider } from './key-provider.ts';
import { ManagedKeys } from './managed-keys.ts';
import { PurseKeys } from './purse-keys.ts';
import { Envelope, SealingKey } from './sealing.ts';

/** A key file: what is public, and the PKCS#8 private key sealed and bound to it. */
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

const generateKeyPairAside = promisify(generateKeyPair);

/** PKCS#8, made in the thread pool. */
async function generate(bits: number): Promise<Uint8Array> {
  try {
    const { privateKey } = await generateKeyPairAside('rsa', {
      ...{ modulusLength: bits, publicExponent: 0x10001 },
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    return new Uint8Array(privateKey.buffer, privateKey.byteOffset, privateKey.byteLength);
  } catch (error) {
    throw new KeyError('key-generation', 'The key pair could not be generated', { bits }, error);
  }
}

/** Keys in files of one folder, sealed under a file key; in memory only as OpenSSL objects. */
export class SoftwareKeyProvider implements KeyProvider {
  readonly #folder: string;
  readonly #sealingKey: SealingKey;
  readonly purseKeys: PurseKeys;
  readonly managedKeys: ManagedKeys;
  readonly contentKeys: ContentKeys;
  readonly #held = new Map<string, Promise<HeldKey | undefined>>();

  private constructor(folder: string, sealingKey: SealingKey) {
    this.#folder = folder;
    this.#sealingKey = sealingKey;
    this.purseKeys = new PurseKeys(folder, sealingKey);
    this.managedKeys = new ManagedKeys(folder, sealingKey);
    this.contentKeys = new ContentKeys(folder, sealingKey);
  }

  /**
   * @param folder made when absent, private to its owner
   * @param sealingKeyFile may lie elsewhere, so that a copy of the folder is worth nothing
   * @throws UsageError when either is open to others
   */
  static async open(folder: string, sealingKeyFile = join(folder, 'sealing.key')): Promise<SoftwareKeyProvider> {
    await preparePrivateFolder(folder);
    await removeLeftovers(folder);
    return new SoftwareKeyProvider(folder, await SealingKey.open(sealingKeyFile));
  }

  get vault(): { readonly folder: string; readonly sealingKey: SealingKey } {
    return { folder: this.#folder, sealingKey: this.#sealingKey };
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

  close(): void {
    this.#held.clear();
    this.purseKeys.close();
    this.contentKeys.close();
    this.#sealingKey.wipe();
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
    const der = await generate(keySizeBits);
    const { publicKey } = signerOf(der);
    const info: KeyPairInfo = {
      label,
      purpose,
      publicKey: toRsaPublicKey(publicKey),
      createdAt: new Date().toISOString(),
    };
    const file: KeyFile = { info, envelope: this.#sealingKey.seal(der, contextOf(info)) };
    der.fill(0);
    await createDurably(this.#file(label), JSON.stringify(file));
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
    const der = this.#sealingKey.unseal(file.envelope, contextOf(file.info));
    const signer = signerOf(der);
    der.fill(0);
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

const signerOf = (der: Uint8Array): RsaSigner =>
  rsaSigner(createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
