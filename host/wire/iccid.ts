// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';
import type { Brand } from './brand.ts';
import type { GpCommand } from './gp/command.ts';
import { fromHex } from './hex.ts';

/** ICCID as 18 to 20 digits; some issuers put letters A to F among them. */
export type Iccid = Brand<string, 'Iccid'>;

/** @throws WireError unless 18 to 20 digits or letters A to F, the last of which is no F: that is the filler */
export function iccid(digits: string): Iccid {
  if (!/^[0-9A-F]{17,19}[0-9A-E]$/.test(digits)) throw new WireError('iccid-malformed', 'An ICCID has 18 to 20 digits');
  return digits as Iccid;
}

/**
 * An ICCID as cards are known by it: without the filler that makes its digits even in EF.ICCID and on many lists of
 * makers. Any other text as it is.
 *
 * @see TS 102 221 13.2
 */
export const plainIccid = (digits: string): string =>
  /^[0-9A-F]{18,20}$/.test(digits) ? digits.replace(/F+$/, '') : digits;

/**
 * Content of EF.ICCID: 10 bytes, two digits a byte with the low nibble first, filled with F. A digit may be any other
 * nibble too: cards with such a number are in use.
 *
 * @throws WireError
 * @see TS 102 221 13.2
 */
export function decodeIccid(bytes: Uint8Array): Iccid {
  if (bytes.length !== 10)
    throw new WireError('iccid-length', 'EF.ICCID has 10 bytes', { expected: 10, got: bytes.length });
  let digits = '';
  for (const byte of bytes) digits += (byte & 0x0f).toString(16) + (byte >> 4).toString(16);
  return iccid(digits.toUpperCase().replace(/F+$/, ''));
}

/** Inverse of `decodeIccid`. */
export function encodeIccid(value: Iccid): Uint8Array {
  const digits = value.padEnd(20, 'F');
  return Uint8Array.from({ length: 10 }, (_, index) =>
    Number.parseInt(`${digits[2 * index + 1]}${digits[2 * index]}`, 16),
  );
}

const file = (label: string, id: string): GpCommand => ({
  label,
  cla: 0x00,
  ins: 0xa4,
  p1: 0x00,
  p2: 0x04,
  data: fromHex(id),
  le: true,
});

/** SELECT MF, SELECT EF.ICCID, READ BINARY of 10 bytes: step 41 on a chip with a file system. */
export const readIccidCommands: readonly GpCommand[] = [
  file('SELECT MF', '3F00'),
  file('SELECT EF.ICCID', '2FE2'),
  { label: 'READ BINARY EF.ICCID', cla: 0x00, ins: 0xb0, p1: 0, p2: 0, data: new Uint8Array(), le: true, leBytes: 10 },
];
