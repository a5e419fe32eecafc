// SPDX-License-Identifier: Apache-2.0
import { UsageError, WireError } from '../../errors.ts';
import { decodeAlphaIdentifier, encodeDefaultAlphabet } from './alpha-identifier.ts';

/** Values of the elementary files: digits in swapped nibbles, networks, names. @see TS 31.102 4.2; TS 24.008 10.5.1 */

/** Digits with the low nibble first, up to the filler. */
export const swappedDigits = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => (byte & 0x0f).toString(16) + (byte >> 4).toString(16)).join('');

const fromSwapped = (digits: string): Uint8Array =>
  Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(`${digits[2 * index + 1]}${digits[2 * index]}`, 16),
  );

/** `length ‖ parity nibble 9 or 1 ‖ digits`; undefined when empty. @throws WireError @see TS 31.102 4.2.2 */
export function decodeImsi(content: Uint8Array): string | undefined {
  const [length = 0xff, ...rest] = content;
  if (length === 0xff) return undefined;
  if (length < 1 || length > 8 || rest.length < length)
    throw new WireError('imsi', 'EF.IMSI has no length of 1 to 8', { got: length });
  const digits = swappedDigits(Uint8Array.from(rest.slice(0, length)))
    .slice(1)
    .replace(/f+$/, '');
  if (!/^[0-9]+$/.test(digits)) throw new WireError('imsi', 'EF.IMSI holds more than digits');
  return digits;
}

/** @throws UsageError unless 6 to 15 digits */
export function encodeImsi(text: string): Uint8Array {
  if (!/^[0-9]{6,15}$/.test(text)) throw new UsageError('imsi', `${text}: an IMSI has 6 to 15 digits`);
  const odd = text.length % 2 === 1;
  const digits = `${odd ? '9' : '1'}${text}${odd ? '' : 'f'}`;
  const bytes = fromSwapped(digits);
  const content = new Uint8Array(9).fill(0xff);
  content[0] = bytes.length;
  content.set(bytes, 1);
  return content;
}

/** `MCC-MNC` of three bytes; undefined for FFFFFF. @see TS 24.008 10.5.1.13 */
function network(bytes: Uint8Array): string | undefined {
  const [c1, c2, c3, n3, n1, n2] = [
    ...[(bytes[0] ?? 0) & 0x0f, (bytes[0] ?? 0) >> 4, (bytes[1] ?? 0) & 0x0f],
    ...[(bytes[1] ?? 0) >> 4, (bytes[2] ?? 0) & 0x0f, (bytes[2] ?? 0) >> 4],
  ];
  if (bytes.every((byte) => byte === 0xff)) return undefined;
  const hex = (digit: number | undefined): string => (digit ?? 15).toString(16);
  return `${hex(c1)}${hex(c2)}${hex(c3)}-${hex(n1)}${hex(n2)}${n3 === 0x0f ? '' : hex(n3)}`;
}

/**
 * Networks of three bytes each, without the places that are free. @throws WireError for a length that is no multiple
 */
export function decodePlmnList(content: Uint8Array): string[] {
  if (content.length % 3 !== 0) throw new WireError('plmn-list', 'A list of networks has three bytes for each');
  return Array.from({ length: content.length / 3 }, (_, index) =>
    network(content.slice(3 * index, 3 * index + 3)),
  ).filter((value) => value !== undefined);
}

export const decodePlmn = network;

/** `001-01,262-02`, filled with FF. @throws UsageError */
export function encodePlmnList(text: string, length: number): Uint8Array {
  const content = new Uint8Array(length).fill(0xff);
  const wanted = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (wanted.length * 3 > length)
    throw new UsageError('plmn-list', `The file has room for ${Math.floor(length / 3)} networks`, {
      got: wanted.length,
    });
  for (const [index, value] of wanted.entries()) {
    const [, mcc = '', mnc = ''] = /^([0-9]{3})-([0-9]{2,3})$/.exec(value) ?? [];
    if (mcc === '') throw new UsageError('plmn', `${value}: want MCC-MNC as in 262-01`);
    content.set(fromSwapped(`${mcc}${mnc[2] ?? 'f'}${mnc.slice(0, 2)}`), 3 * index);
  }
  return content;
}

/** `display condition ‖ name, filled with FF`. @throws WireError @see TS 31.102 4.2.12 */
export function decodeServiceProviderName(content: Uint8Array): { name: string; displayCondition: number } {
  return { name: decodeAlphaIdentifier(content.slice(1)), displayCondition: content[0] ?? 0 };
}

/** @throws UsageError for a name that is too long, or has a letter that the default alphabet has not */
export function encodeServiceProviderName(text: string, length: number): Uint8Array {
  const codes = encodeDefaultAlphabet(text);
  if (codes === undefined || codes.length > length - 1)
    throw new UsageError('spn', `A name of at most ${length - 1} letters of the GSM alphabet goes into this file`);
  const content = new Uint8Array(length).fill(0xff);
  content[0] = 0x00;
  content.set(codes, 1);
  return content;
}

/** Alpha identifier, then 14 bytes with the number; undefined when free. @see TS 31.102 4.2.26 */
export function decodeDialledNumber(record: Uint8Array): { name: string; number: string } | undefined {
  const start = record.length - 14;
  if (start < 0) throw new WireError('dialled-number', 'A record with a number has 14 bytes at least');
  const length = record[start] ?? 0xff;
  if (length === 0xff || length === 0) return undefined;
  const international = ((record[start + 1] ?? 0) & 0x70) === 0x10;
  const digits = swappedDigits(record.slice(start + 2, start + 1 + Math.min(length, 11))).replace(/f+$/, '');
  const name = decodeAlphaIdentifier(record.slice(0, start));
  return { name, number: `${international ? '+' : ''}${digits}` };
}
