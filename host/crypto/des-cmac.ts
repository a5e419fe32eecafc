// SPDX-License-Identifier: Apache-2.0
import { concat } from '../wire/hex.ts';
import { BLOCK, desCbcEncrypt } from './des.ts';

/** What a shift carries out of 64 bits comes back as this. */
const R64 = 0x1b;

function doubled(block: Uint8Array): Uint8Array {
  const carries = (block[0] ?? 0) >> 7;
  return block.map((byte, at) => {
    const next = at + 1 < BLOCK ? (block[at + 1] ?? 0) >> 7 : carries * R64;
    return at + 1 < BLOCK ? ((byte << 1) | next) & 0xff : ((byte << 1) & 0xff) ^ next;
  });
}

/** CMAC with triple DES, 8 bytes. @param key 16 or 24 bytes @see NIST SP 800-38B */
export function tripleDesCmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const data = concat(...parts);
  const first = doubled(desCbcEncrypt(key, new Uint8Array(BLOCK)));
  const whole = data.length > 0 && data.length % BLOCK === 0;
  const mask = whole ? first : doubled(first);
  const padded = new Uint8Array(whole ? data.length : data.length + BLOCK - (data.length % BLOCK));
  padded.set(data);
  if (!whole) padded[data.length] = 0x80;
  const end = padded.length - BLOCK;
  for (let at = 0; at < BLOCK; at += 1) padded[end + at] = (padded[end + at] ?? 0) ^ (mask[at] ?? 0);
  const mac = desCbcEncrypt(key, padded).slice(-BLOCK);
  padded.fill(0);
  return mac;
}
