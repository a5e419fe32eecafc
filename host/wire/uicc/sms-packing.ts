// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import { readTpAddress } from './sms-address.ts';
import { isSevenBit, MAX_USER_DATA, readSubmitFirst, validityLength } from './sms-tpdu.ts';

/** Text of a card that leaves it to its handset to pack characters. @see TS 31.111 6.4.10 */

const EIGHT_BIT = 0x04;
const SEPTET = 0x7f;

/**
 * SMS-SUBMIT with one character of the default alphabet a byte: the same with seven bits a character, a header left as
 * it is, and a coding scheme that says so. One that is packed already, or is no text of that alphabet, stays.
 *
 * @throws WireError when it is another kind of message or malformed, or has more than 140 bytes when packed
 * @see TS 23.038 6.1.2.1, TS 23.040 9.2.3.24
 */
export function packSubmit(tpdu: Uint8Array): Uint8Array {
  const reader = new ByteReader(tpdu, 'SMS-SUBMIT');
  const first = readSubmitFirst(reader);
  reader.take(1);
  readTpAddress(reader);
  const beforeScheme = concat(reader.before, reader.take(1));
  const dcs = reader.number(1);
  if (!isSevenBit(dcs & ~EIGHT_BIT)) return tpdu;
  const validity = reader.take(validityLength(first.bits));
  const length = reader.number(1);
  if (reader.left !== length) {
    if (isSevenBit(dcs) && reader.left === Math.ceil((length * 7) / 8)) return tpdu;
    throw new WireError('sms-user-data', 'The length does not fit the user data', {
      expected: length,
      got: reader.left,
    });
  }
  const header = first.hasHeader ? reader.take((reader.peek() ?? 0) + 1) : new Uint8Array();
  const { septets, packed } = pack(header, reader.rest());
  if (packed.length > MAX_USER_DATA)
    throw new WireError('sms-too-long', 'User data has at most 140 bytes', { got: packed.length });
  return concat(beforeScheme, Uint8Array.of(dcs & ~EIGHT_BIT), validity, encodeNumber(septets, 1), packed);
}

/** The first character begins at a multiple of seven bits. */
function pack(header: Uint8Array, text: Uint8Array): { readonly septets: number; readonly packed: Uint8Array } {
  const skipped = Math.ceil((header.length * 8) / 7);
  const septets = skipped + text.length;
  const packed = new Uint8Array(Math.ceil((septets * 7) / 8));
  packed.set(header);
  text.forEach((character, index) => {
    const at = (skipped + index) * 7;
    const bits = (character & SEPTET) << (at % 8);
    const byte = Math.floor(at / 8);
    packed[byte] = (packed[byte] ?? 0) | (bits & 0xff);
    if (bits > 0xff) packed[byte + 1] = (packed[byte + 1] ?? 0) | (bits >> 8);
  });
  return { septets, packed };
}
