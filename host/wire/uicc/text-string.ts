// SPDX-License-Identifier: Apache-2.0
import { decodeDefaultAlphabet, decodeUcs2 } from './alpha-identifier.ts';

/** Alphabets by bits 3 and 4 of a data coding scheme of the general groups. @see TS 23.038 4 */
const ALPHABET = { PACKED: 0, BYTES: 1, UCS2: 2 } as const;
const CLASS_GROUP = 0xf0;
const CLASS_GROUP_BYTES = 0x04;

function alphabetOf(dcs: number): number {
  if ((dcs & CLASS_GROUP) === CLASS_GROUP) return (dcs & CLASS_GROUP_BYTES) === 0 ? ALPHABET.PACKED : ALPHABET.BYTES;
  return (dcs >> 2) & 0x03;
}

/** Seven bits each, from the lowest bit on; a whole byte of filler at the end is none. */
function unpackSeptets(bytes: Uint8Array): Uint8Array {
  const septets = Array.from({ length: Math.floor((bytes.length * 8) / 7) }, (_, index) => {
    const bit = index * 7;
    const pair = (bytes[bit >> 3] ?? 0) | ((bytes[(bit >> 3) + 1] ?? 0) << 8);
    return (pair >> (bit & 7)) & 0x7f;
  });
  // With 8n septets less one the last seven bits are empty, and read as @.
  if (bytes.length % 7 === 0 && septets.at(-1) === 0) septets.pop();
  return Uint8Array.from(septets);
}

/**
 * A text as a card shows it: packed in seven bits, a byte for each character of the default alphabet, or UCS2. What has
 * no character is a question mark.
 *
 * @param dcs data coding scheme @see TS 102 223 8.15, TS 23.038 4
 */
export function decodeTextString(dcs: number, bytes: Uint8Array): string {
  const alphabet = alphabetOf(dcs);
  if (alphabet === ALPHABET.UCS2) return decodeUcs2(bytes);
  return decodeDefaultAlphabet(alphabet === ALPHABET.PACKED ? unpackSeptets(bytes) : bytes);
}
