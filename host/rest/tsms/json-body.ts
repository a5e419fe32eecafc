// SPDX-License-Identifier: Apache-2.0
import { MIMEType } from 'node:util';
import type { FastifyRequest } from 'fastify';

/** A mark of the byte order may be ignored (RFC 8259 8.1), and some clients write one. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const CHARSETS: readonly string[] = ['utf-8', 'utf8', 'us-ascii'];

/** True when the body comes as it is, and not packed. @see RFC 9110, 8.4 */
export const isPlain = ({ headers }: FastifyRequest): boolean =>
  /^(identity)?$/i.test((headers['content-encoding'] ?? '').trim());

/** What a JSON body says. @throws Error for anything else, bytes that are no UTF-8, and other codings */
export function parseJson(request: FastifyRequest, bytes: Buffer): unknown {
  const charset = charsetOf(request.headers['content-type'] ?? '') ?? 'utf-8';
  if (!isPlain(request) || !CHARSETS.includes(charset.toLowerCase()))
    throw new TypeError('the body is coded otherwise');
  return JSON.parse(UTF_8.decode(bytes));
}

function charsetOf(mediaType: string): string | null {
  try {
    return new MIMEType(mediaType).params.get('charset');
  } catch {
    return null;
  }
}
