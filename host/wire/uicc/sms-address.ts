// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader } from './byte-reader.ts';

/** Address of a subscriber or service centre. */
export interface SmsAddress {
  /** Type of number and numbering plan: 91 international, 81 unknown. @see TS 23.040 9.1.2.5 */
  readonly type: number;
  /** Digits `0-9 * # a b c`; of an alphanumeric address (type Dx) the nibbles of its septets in hex. */
  readonly digits: string;
}

const DIGITS = '0123456789*#abc';
const NIBBLES = '0123456789ABCDEF';
const FILLER = 0xf;
const ALPHANUMERIC = 0x50;
const MAX_DIGITS = 20;

const alphabetOf = (type: number): string => ((type & 0x70) === ALPHANUMERIC ? NIBBLES : DIGITS);

function encodeDigits({ type, digits }: SmsAddress): Uint8Array {
  if (!Number.isInteger(type) || type < 0 || type > 0xff)
    throw new WireError('sms-address-type', 'Type of number is one byte', { got: type });
  const nibbles = Array.from(digits, (digit) => alphabetOf(type).indexOf(digit));
  if (nibbles.includes(-1) || nibbles.length > MAX_DIGITS)
    throw new WireError('sms-address-digits', 'An address has at most 20 digits 0-9 * # a b c', { got: digits.length });
  return Uint8Array.from({ length: Math.ceil(nibbles.length / 2) }, (_, index) => {
    return ((nibbles[2 * index + 1] ?? FILLER) << 4) | (nibbles[2 * index] ?? FILLER);
  });
}

function decodeDigits(type: number, bytes: Uint8Array, count: number): string {
  const alphabet = alphabetOf(type);
  let digits = '';
  for (const byte of bytes) digits += (alphabet[byte & 0xf] ?? '?') + (alphabet[byte >> 4] ?? '?');
  digits = digits.slice(0, count);
  if (digits.includes('?')) throw new WireError('sms-address-digits', 'A digit of the address is none', { got: count });
  return digits;
}

/** `count of digits ‖ type ‖ digits, low nibble first`, TP-OA and TP-DA. @throws WireError. @see TS 23.040 9.1.2.5 */
export const encodeTpAddress = (address: SmsAddress): Uint8Array => {
  const digits = encodeDigits(address);
  return concat(Uint8Array.of(address.digits.length, address.type), digits);
};

/** Reads TP-OA or TP-DA; what stands in place of the filler of an odd count does not matter. @throws WireError */
export function readTpAddress(reader: ByteReader): SmsAddress {
  const count = reader.number(1);
  if (count > MAX_DIGITS) throw new WireError('sms-address-digits', 'An address has at most 20 digits', { got: count });
  const type = reader.number(1);
  return { type, digits: decodeDigits(type, reader.take(Math.ceil(count / 2)), count) };
}

/** `type ‖ digits`, without a count: the address data object of the toolkit. @throws WireError. @see TS 102 223 8.1 */
export const encodeCatAddress = (address: SmsAddress): Uint8Array =>
  concat(Uint8Array.of(address.type), encodeDigits(address));

/** @throws WireError */
export function decodeCatAddress(bytes: Uint8Array): SmsAddress {
  const reader = new ByteReader(bytes, 'Address');
  const type = reader.number(1);
  const digits = reader.rest();
  const odd = digits.length > 0 && (digits[digits.length - 1] ?? 0) >> 4 === FILLER;
  const count = digits.length * 2 - (odd ? 1 : 0);
  if (count > MAX_DIGITS) throw new WireError('sms-address-digits', 'An address has at most 20 digits', { got: count });
  return { type, digits: decodeDigits(type, digits, count) };
}
