// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { WireError } from '../errors.ts';

/**
 * A block cipher in CBC under one key, set up once for a whole session: to make a cipher costs several times what a
 * command's few blocks do. Each direction is one endless CBC chain, in which a message begins by what it adds to the
 * chain's first block. Nothing is padded.
 *
 * @see NIST SP 800-38A 6.2
 */
export class KeyedCipher {
  readonly block: number;
  readonly #name: string;
  readonly #secret: KeyObject;
  readonly #encrypt: ReturnType<typeof createCipheriv>;
  /** Made at the first use: most keys have one direction. */
  #decrypt: ReturnType<typeof createDecipheriv> | undefined;
  /** Last block of ciphertext in the chain of each direction. */
  readonly #encrypted: Uint8Array;
  readonly #decrypted: Uint8Array;

  /**
   * @param name OpenSSL's, of a cipher in CBC
   * @param key  of that cipher's length; the caller may wipe it
   */
  constructor(name: string, key: Uint8Array, block: number) {
    this.#name = name;
    // Bytes in place of a key object take node four times as long.
    this.#secret = createSecretKey(key);
    this.block = block;
    this.#encrypted = new Uint8Array(block);
    this.#decrypted = new Uint8Array(block);
    this.#encrypt = createCipheriv(name, this.#secret, this.#encrypted).setAutoPadding(false);
  }

  /** @throws WireError `cipher-block` for what is not a multiple of the block */
  encrypt(data: Uint8Array, iv?: Uint8Array): Uint8Array {
    this.#requireBlocks(data);
    if (data.length === 0) return new Uint8Array();
    const input = new Uint8Array(data);
    mix(input, this.#encrypted);
    if (iv !== undefined) mix(input, iv);
    const output = plainBytes(this.#encrypt.update(input));
    this.#encrypted.set(output.subarray(-this.block));
    return output;
  }

  /** @throws WireError `cipher-block` for what is not a multiple of the block */
  decrypt(data: Uint8Array, iv?: Uint8Array): Uint8Array {
    this.#requireBlocks(data);
    if (data.length === 0) return new Uint8Array();
    this.#decrypt ??= createDecipheriv(this.#name, this.#secret, this.#decrypted).setAutoPadding(false);
    const output = plainBytes(this.#decrypt.update(data));
    mix(output, this.#decrypted);
    if (iv !== undefined) mix(output, iv);
    this.#decrypted.set(data.subarray(-this.block));
    return output;
  }

  #requireBlocks(data: Uint8Array): void {
    if (data.length % this.block === 0) return;
    throw new WireError('cipher-block', `Data is not a multiple of ${this.block} bytes`, { got: data.length });
  }
}

/** Adds `other` to the first bytes, by exclusive or. */
export function mix(bytes: Uint8Array, other: Uint8Array, at = 0): void {
  for (let index = 0; index < other.length; index += 1) {
    bytes[at + index] = (bytes[at + index] ?? 0) ^ (other[index] ?? 0);
  }
}

/** A Buffer's bytes as what `slice` copies. */
const plainBytes = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
