// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { InvariantError, WireError } from '../errors.ts';
import { concat } from '../wire/hex.ts';
import { KeyedCipher, mix } from './keyed-cipher.ts';

export const AES_BLOCK = 16;
const ZERO_IV: Uint8Array = new Uint8Array(AES_BLOCK);

/** Sizes of an AES key in bytes. */
export const AES_KEY_LENGTHS = [16, 24, 32] as const;

function mode(key: Uint8Array, name: 'cbc' | 'ecb'): string {
  if (!AES_KEY_LENGTHS.some((length) => length === key.length))
    throw new InvariantError('aes-key-length', 'An AES key has 16, 24 or 32 bytes', { got: key.length });
  return `aes-${key.length * 8}-${name}`;
}

function requireBlocks(data: Uint8Array): void {
  if (data.length % AES_BLOCK !== 0)
    throw new WireError('aes-block', 'Data is not a multiple of 16 bytes', { got: data.length });
}

/** AES in CBC, no padding. @see NIST SP 800-38A */
export function aesCbcEncrypt(key: Uint8Array, data: Uint8Array, iv: Uint8Array = ZERO_IV): Uint8Array {
  requireBlocks(data);
  // Bytes in place of a key object take node four times as long.
  const cipher = createCipheriv(mode(key, 'cbc'), createSecretKey(key), iv).setAutoPadding(false);
  return concat(cipher.update(data), cipher.final());
}

export function aesCbcDecrypt(key: Uint8Array, data: Uint8Array, iv: Uint8Array = ZERO_IV): Uint8Array {
  requireBlocks(data);
  const cipher = createDecipheriv(mode(key, 'cbc'), createSecretKey(key), iv).setAutoPadding(false);
  return concat(cipher.update(data), cipher.final());
}

/** One or more blocks, each by itself. */
export function aesEcbEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  requireBlocks(data);
  const cipher = createCipheriv(mode(key, 'ecb'), createSecretKey(key), null).setAutoPadding(false);
  return concat(cipher.update(data), cipher.final());
}

/** An AES key for all commands of a session. */
export class SessionAes extends KeyedCipher {
  /** For input that ends with a whole block, and for input that is padded. @see NIST SP 800-38B 6.1 */
  readonly #whole: Uint8Array;
  readonly #padded: Uint8Array;

  /** @param key of 16, 24 or 32 bytes; the caller may wipe it */
  constructor(key: Uint8Array) {
    super(mode(key, 'cbc'), key, AES_BLOCK);
    this.#whole = doubled(this.encrypt(new Uint8Array(AES_BLOCK)));
    this.#padded = doubled(this.#whole);
  }

  /** As {@link aesCmac}, over the parts one behind the other. */
  cmac(...parts: readonly Uint8Array[]): Uint8Array {
    let length = 0;
    for (const part of parts) length += part.length;
    const blocks = new Uint8Array(Math.max(1, Math.ceil(length / AES_BLOCK)) * AES_BLOCK);
    let at = 0;
    for (const part of parts) {
      blocks.set(part, at);
      at += part.length;
    }
    if (at < blocks.length) blocks[at] = 0x80;
    mix(blocks, at < blocks.length ? this.#padded : this.#whole, blocks.length - AES_BLOCK);
    return this.encrypt(blocks).slice(-AES_BLOCK);
  }
}

/** Twice the block in GF(2^128). */
function doubled(block: Uint8Array): Uint8Array {
  const twice = block.map((byte, index) => (byte << 1) | ((block[index + 1] ?? 0) >> 7));
  if (((block[0] ?? 0) & 0x80) !== 0) twice[AES_BLOCK - 1] = (twice[AES_BLOCK - 1] ?? 0) ^ 0x87;
  return twice;
}

/** AES-CMAC over the parts one behind the other, 16 bytes. @see NIST SP 800-38B; RFC 4493 */
export const aesCmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
  new SessionAes(key).cmac(...parts);

/** Key check value of an AES key: the first three bytes of sixteen 01 bytes encrypted. @see GPCS B.6 */
export const aesKeyCheckValue = (key: Uint8Array): Uint8Array =>
  aesEcbEncrypt(key, new Uint8Array(AES_BLOCK).fill(1)).slice(0, 3);
