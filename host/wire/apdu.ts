// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';
import { concat } from './hex.ts';
import { type StatusWord, statusWord } from './status-word.ts';

/** Largest data field of a short APDU. */
export const MAX_DATA = 255;
/** Largest short command: header, Lc, 255 bytes, Le. */
export const MAX_COMMAND = 261;
/** Largest short response: 256 bytes and the status word. */
export const MAX_RESPONSE = 258;

/** A short command APDU. @see ISO 7816-4 5.2 */
export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** 0 to 255 bytes. */
  readonly data: Uint8Array;
  /** Expected length, 1 to 256; absent in cases 1 and 3. */
  readonly le?: number;
}

export interface ResponseApdu {
  /** 0 to 256 bytes. */
  readonly data: Uint8Array;
  readonly sw: StatusWord;
}

function requireByte(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    throw new WireError('apdu-byte-range', `${name} is not one byte`, { got: value });
  }
}

/**
 * Bytes of a short command: `CLA INS P1 P2 [Lc data] [Le]`, all four cases.
 *
 * @throws WireError when a field is out of range
 */
export function encodeCommand(command: CommandApdu): Uint8Array {
  const { cla, ins, p1, p2, data, le } = command;
  for (const [name, value] of Object.entries({ cla, ins, p1, p2 })) requireByte(name, value);
  if (data.length > MAX_DATA) {
    throw new WireError('apdu-data-too-long', 'Command data does not fit a short APDU', { got: data.length });
  }
  if (le !== undefined && (!Number.isInteger(le) || le < 1 || le > 256)) {
    throw new WireError('apdu-le-range', 'Le of a short APDU is 1 to 256', { got: le });
  }
  const lc = data.length === 0 ? [] : [data.length];
  return concat(Uint8Array.of(cla, ins, p1, p2, ...lc), data, Uint8Array.from(le === undefined ? [] : [le & 0xff]));
}

/**
 * Reads a short command APDU; extended lengths are refused.
 *
 * @throws WireError `apdu-truncated`, `apdu-lc-mismatch`, `apdu-too-long`
 */
export function decodeCommand(bytes: Uint8Array): CommandApdu {
  if (bytes.length > MAX_COMMAND) throw new WireError('apdu-too-long', 'Not a short APDU', { got: bytes.length });
  const [cla, ins, p1, p2, lcOrLe] = bytes;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) {
    throw new WireError('apdu-truncated', 'A command has at least four bytes', { expected: 4, got: bytes.length });
  }
  const header = { cla, ins, p1, p2 };
  if (lcOrLe === undefined) return { ...header, data: new Uint8Array() };
  if (bytes.length === 5) return { ...header, data: new Uint8Array(), le: lcOrLe === 0 ? 256 : lcOrLe };
  const end = 5 + lcOrLe;
  const le = bytes[end];
  if (lcOrLe === 0 || bytes.length < end || bytes.length > end + 1) {
    throw new WireError('apdu-lc-mismatch', 'Lc does not fit the command', {
      offset: 4,
      expected: lcOrLe,
      got: bytes.length,
    });
  }
  const data = bytes.slice(5, end);
  return le === undefined ? { ...header, data } : { ...header, data, le: le === 0 ? 256 : le };
}

/** @throws WireError when there are more than 256 data bytes */
export function encodeResponse(response: ResponseApdu): Uint8Array {
  if (response.data.length > 256) {
    throw new WireError('apdu-too-long', 'Response data does not fit a short APDU', { got: response.data.length });
  }
  return concat(response.data, Uint8Array.of(response.sw >> 8, response.sw & 0xff));
}

/** Reads `data ‖ SW1 SW2`. @throws WireError when shorter than 2 or longer than 258 bytes */
export function decodeResponse(bytes: Uint8Array): ResponseApdu {
  const sw1 = bytes[bytes.length - 2];
  const sw2 = bytes[bytes.length - 1];
  if (sw1 === undefined || sw2 === undefined) {
    throw new WireError('apdu-truncated', 'A response has at least two bytes', { expected: 2, got: bytes.length });
  }
  if (bytes.length > MAX_RESPONSE) throw new WireError('apdu-too-long', 'Not a short response', { got: bytes.length });
  return { data: bytes.slice(0, -2), sw: statusWord((sw1 << 8) | sw2) };
}
