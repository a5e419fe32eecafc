// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';

/**
 * What the lenient HTTP parser lets through beside lines that end with LF alone, and nobody may send: more than one
 * length of a body, and bytes that end a line for some readers and not for others.
 *
 * @see RFC 9112 2.2, 6.1, 6.3; RFC 9110 5.5
 */

const VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1']);
const LENGTH = /^[0-9]{1,9}$/;

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return (code < 0x20 && character !== '\t') || code === 0x7f;
}

/** @param raw names and values in turn. @throws WireError `http-framing` */
export function checkFraming(version: string, raw: readonly string[]): void {
  const values = (name: string) => raw.filter((_value, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
  const lengths = values('content-length');
  const codings = values('transfer-encoding');
  const isSaidOnce = lengths.length + codings.length <= 1;
  const isKnown = lengths.every((one) => LENGTH.test(one)) && codings.every((one) => one.toLowerCase() === 'chunked');
  if (!VERSIONS.has(version) || !isSaidOnce || !isKnown || raw.some((text) => [...text].some(isControl)))
    throw new WireError('http-framing', 'A request has one length, in Content-Length or in chunks, and no odd bytes');
}
