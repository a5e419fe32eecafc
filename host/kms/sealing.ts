// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Secret } from '../crypto/secret.ts';
import { KeyError, UsageError } from '../errors.ts';
import { concat, fromHex, toHex } from '../wire/hex.ts';
import { createDurably, readPrivate } from './durable-file.ts';

const CIPHER = 'aes-256-gcm';
const KEY_LENGTH = 32;
export const NONCE_LENGTH = 12;
export const TAG_LENGTH = 16;

/** AES-256-GCM envelope as it stands in a file: nonce, ciphertext with tag, both hex. */
export const Envelope = Type.Object(
  { nonce: Type.String({ pattern: '^[0-9A-F]{24}$' }), sealed: Type.String({ pattern: '^([0-9A-F]{2}){17,8192}$' }) },
  { additionalProperties: false },
);
export type Envelope = Static<typeof Envelope>;

/** The key under which all others are kept at rest: in a file of this machine, or in a token. */
export interface Sealer {
  /** False where what was opened is not to stay in memory: whoever opens a key wipes it after each use. */
  readonly keepsOpened: boolean;
  /** @param context bytes that the envelope belongs to: it opens only with the same */
  seal(plain: Uint8Array, context: Uint8Array): Promise<Envelope>;
  /** @throws KeyError `key-unreadable` when it was changed, moved to another name, or sealed by another key */
  unseal(envelope: Envelope, context: Uint8Array): Promise<Uint8Array>;
  wipe(): void;
}

export const unreadable = (): KeyError =>
  new KeyError(
    'key-unreadable',
    'A stored key does not open: it was changed, or another sealing key or token is configured',
  );

/** A sealing key that is in a file. */
export class SealingKey implements Sealer {
  readonly keepsOpened = true;
  readonly #key: Secret;

  private constructor(key: Secret) {
    this.#key = key;
  }

  /**
   * Reads the key from its file, 64 hex digits; a missing file is made.
   *
   * @throws UsageError when the file holds something else or is open to others
   */
  static async open(file: string): Promise<SealingKey> {
    let text = await readPrivate(file);
    if (text === undefined) {
      await createDurably(file, `${toHex(randomBytes(KEY_LENGTH))}\n`);
      text = await readPrivate(file);
    }
    if (text === undefined || !/^[0-9A-F]{64}\n?$/.test(text)) {
      throw new UsageError('sealing-key', `${file} does not hold 64 hex digits`, { file });
    }
    return new SealingKey(new Secret(fromHex(text.trim(), KEY_LENGTH)));
  }

  async seal(plain: Uint8Array, context: Uint8Array): Promise<Envelope> {
    const nonce = randomBytes(NONCE_LENGTH);
    const cipher = createCipheriv(CIPHER, this.#key.expose(), nonce, { authTagLength: TAG_LENGTH }).setAAD(context);
    const sealed = concat(cipher.update(plain), cipher.final(), cipher.getAuthTag());
    return { nonce: toHex(nonce), sealed: toHex(sealed) };
  }

  async unseal(envelope: Envelope, context: Uint8Array): Promise<Uint8Array> {
    const sealed = fromHex(envelope.sealed);
    const options = { authTagLength: TAG_LENGTH };
    const decipher = createDecipheriv(CIPHER, this.#key.expose(), fromHex(envelope.nonce), options).setAAD(context);
    decipher.setAuthTag(sealed.slice(-TAG_LENGTH));
    try {
      return concat(decipher.update(sealed.slice(0, -TAG_LENGTH)), decipher.final());
    } catch {
      throw unreadable();
    }
  }

  wipe(): void {
    this.#key.wipe();
  }
}
