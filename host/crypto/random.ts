// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { InvariantError } from '../errors.ts';

/** Gives `length` random bytes; `purpose` lets a test replay each kind from a transcript. */
export type RandomSource = (length: number, purpose: string) => Uint8Array;

export const systemRandom: RandomSource = (length) => new Uint8Array(randomBytes(length));

/** Random bytes without zero, for PKCS#1 padding strings. @see RFC 8017 7.2.1 */
export function nonZeroRandom(random: RandomSource, length: number, purpose: string): Uint8Array {
  const bytes = random(length, purpose);
  for (let round = 0; round < 64; round += 1) {
    const zeros = [...bytes.entries()].filter(([, byte]) => byte === 0);
    if (zeros.length === 0) return bytes;
    const fresh = random(zeros.length, purpose);
    for (const [order, [index]] of zeros.entries()) bytes[index] = fresh[order] ?? 0;
  }
  throw new InvariantError('random-stuck', 'The random source gives nothing but zero bytes');
}
