// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';

const DIGITS = /^(?:[0-9A-Fa-f]{2})*$/;

/** Upper-case hex without separators, as all messages carry it. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex').toUpperCase();
}

/**
 * Bytes of a hex string; both cases of letters are taken.
 *
 * @param maxBytes largest length that is accepted
 * @throws WireError `hex-malformed` or `hex-too-long`
 */
export function fromHex(text: string, maxBytes = 65_536): Uint8Array {
  if (text.length > maxBytes * 2) {
    throw new WireError('hex-too-long', 'Hex text is longer than this place allows', { maxBytes });
  }
  if (!DIGITS.test(text)) throw new WireError('hex-malformed', 'Not hex: want pairs of the digits 0 to F');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Joins byte strings into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Equality of public bytes. Not for MACs and cryptograms: those go through crypto/equal.ts. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
