// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';

/** The GSM default alphabet, one character for each code from 00. @see TS 23.038 6.2.1 */
const DEFAULT =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';

const character = (code: number): string => DEFAULT[code & 0x7f] ?? '';

const ESCAPE = 0x1b;
/** Characters behind an escape. @see TS 23.038 6.2.1.1 */
const EXTENSION: ReadonlyMap<number, string> = new Map([
  ...([
    [0x0a, '\n'],
    [0x14, '^'],
    [0x28, '{'],
    [0x29, '}'],
    [0x2f, '\\'],
  ] as const),
  ...([
    [0x3c, '['],
    [0x3d, '~'],
    [0x3e, ']'],
    [0x40, '|'],
    [0x65, '€'],
  ] as const),
]);

/**
 * A text of the default alphabet, one byte for each character, two for those behind an escape; an escape before another
 * code is a space, as for a receiver that does not know what it means.
 */
export function decodeDefaultAlphabet(codes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < codes.length; at += 1) {
    const code = (codes[at] ?? 0) & 0x7f;
    const extended = code === ESCAPE ? EXTENSION.get((codes[at + 1] ?? 0) & 0x7f) : undefined;
    if (extended !== undefined) at += 1;
    text += extended ?? (code === ESCAPE ? ' ' : character(code));
  }
  return text;
}

/**
 * A name as files have it: codes of the default alphabet; 80 and UCS2; 81 or 82, a length, a base, and codes of either
 * by their high bit. FF fills.
 *
 * @throws WireError for a length past the end @see TS 102 221 annex A
 */
export function decodeAlphaIdentifier(bytes: Uint8Array): string {
  const coding = bytes[0] ?? 0xff;
  if (coding === 0x80) return decodeUcs2(bytes.slice(1));
  if (coding !== 0x81 && coding !== 0x82) {
    const end = bytes.indexOf(0xff);
    return decodeDefaultAlphabet(end === -1 ? bytes : bytes.slice(0, end));
  }
  const head = coding === 0x81 ? 3 : 4;
  const length = bytes[1] ?? 0;
  if (bytes.length < head + length)
    throw new WireError('alpha-identifier', 'A name is shorter than it says', { got: bytes.length });
  const base = coding === 0x81 ? (bytes[2] ?? 0) << 7 : ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  return Array.from(bytes.slice(head, head + length), (code) =>
    code < 0x80 ? character(code) : String.fromCharCode((base + (code & 0x7f)) & 0xffff),
  ).join('');
}

/** The codes of the default alphabet for a text; undefined where it has a character that is not there. */
export function encodeDefaultAlphabet(text: string): Uint8Array | undefined {
  const codes = Array.from(text, (letter) => (letter === '\u001b' ? -1 : DEFAULT.indexOf(letter)));
  return codes.includes(-1) ? undefined : Uint8Array.from(codes);
}

/** Pairs of bytes up to FFFF; half a pair at the end is filler. */
export function decodeUcs2(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const code = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (code === 0xffff) break;
    text += String.fromCharCode(code);
  }
  return text;
}
