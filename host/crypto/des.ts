// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { InvariantError, WireError } from '../errors.ts';
import { concat } from '../wire/hex.ts';
import { KeyedCipher } from './keyed-cipher.ts';

export const BLOCK = 8;
const ZERO_IV: Uint8Array = new Uint8Array(BLOCK);

/** OpenSSL 3 has no single DES and no two-key mode of its own: both are spelled as three keys. */
function threeKeys(key: Uint8Array): Uint8Array {
  if (key.length === 8) return concat(key, key, key);
  if (key.length === 16) return concat(key, key.slice(0, 8));
  if (key.length === 24) return key;
  throw new InvariantError('des-key-length', 'A DES key has 8, 16 or 24 bytes', { got: key.length });
}

function cbc(key: Uint8Array, iv: Uint8Array, data: Uint8Array, decrypt: boolean): Uint8Array {
  if (data.length % BLOCK !== 0)
    throw new WireError('des-block', 'Data is not a multiple of 8 bytes', { got: data.length });
  const keys = threeKeys(key);
  // Bytes in place of a key object take node four times as long.
  const secret = createSecretKey(keys);
  const cipher = decrypt ? createDecipheriv('des-ede3-cbc', secret, iv) : createCipheriv('des-ede3-cbc', secret, iv);
  cipher.setAutoPadding(false);
  const result = concat(cipher.update(data), cipher.final());
  if (keys !== key) keys.fill(0);
  return result;
}

/** DES, two-key or three-key triple DES in CBC, by the length of the key. No padding. @see GPCS B.1.1.1 */
export const desCbcEncrypt = (key: Uint8Array, data: Uint8Array, iv = ZERO_IV): Uint8Array => cbc(key, iv, data, false);
export const desCbcDecrypt = (key: Uint8Array, data: Uint8Array, iv = ZERO_IV): Uint8Array => cbc(key, iv, data, true);

/** Block by block. */
export function desEcbEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let offset = 0; offset < data.length; offset += BLOCK)
    blocks.push(desCbcEncrypt(key, data.slice(offset, offset + BLOCK)));
  return concat(...blocks);
}

/** Appends `80` and zeros up to a multiple of the block. @see ISO 9797-1 padding method 2; GPCS B.1.3 */
export function pad80(data: Uint8Array, block = BLOCK): Uint8Array {
  const padded = new Uint8Array(data.length + block - (data.length % block));
  padded.set(data);
  padded[data.length] = 0x80;
  return padded;
}

/** Takes `80 00 ..` off. @throws WireError when it is not there or longer than a block */
export function unpad80(padded: Uint8Array, block = BLOCK): Uint8Array {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end -= 1;
  if (end < 0 || padded[end] !== 0x80 || padded.length - end > block)
    throw new WireError('padding', 'Padding is malformed');
  return padded.slice(0, end);
}

/** Last block of triple DES in CBC over padded data: the full MAC of SCP02's cryptograms. @see GPCS B.1.2.1 */
export const fullTripleDesMac = (key: Uint8Array, data: Uint8Array, iv = ZERO_IV): Uint8Array =>
  desCbcEncrypt(key, pad80(data), iv).slice(-BLOCK);

/**
 * Retail MAC, 8 bytes: single DES in CBC under the left half of the key, triple DES on the last block.
 *
 * @param key 16 bytes
 * @param iv 8 bytes, the first chaining value
 * @param data unpadded
 * @see ISO 9797-1 MAC algorithm 3; GPCS B.1.2.2
 */
export function retailMac(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const left = key.slice(0, 8);
  const right = key.slice(8, 16);
  const last = desCbcEncrypt(left, pad80(data), iv).slice(-BLOCK);
  const mac = desCbcEncrypt(left, desCbcDecrypt(right, last));
  left.fill(0);
  right.fill(0);
  return mac;
}

/** Triple DES in CBC for all commands of a session, by the length of the key; the caller may wipe it. */
export function sessionDes(key: Uint8Array): KeyedCipher {
  const keys = threeKeys(key);
  const cipher = new KeyedCipher('des-ede3-cbc', keys, BLOCK);
  if (keys !== key) keys.fill(0);
  return cipher;
}

/** A key of 16 bytes for all retail MACs of a session. */
export class SessionRetailMac {
  readonly #left: KeyedCipher;
  readonly #both: KeyedCipher;

  constructor(key: Uint8Array) {
    const left = key.slice(0, BLOCK);
    this.#left = sessionDes(left);
    this.#both = sessionDes(key);
    left.fill(0);
  }

  /** As {@link retailMac}. */
  mac(iv: Uint8Array, data: Uint8Array): Uint8Array {
    const padded = pad80(data);
    const end = padded.length - BLOCK;
    const before = end === 0 ? iv : this.#left.encrypt(padded.slice(0, end), iv).slice(-BLOCK);
    return this.#both.encrypt(padded.slice(end), before);
  }

  /** A MAC or a counter as the next ICV: single DES under the left half. @see GPCS E.3.4, F.2.3 */
  icvOf(mac: Uint8Array): Uint8Array {
    return this.#left.encrypt(mac);
  }
}
