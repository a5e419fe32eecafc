// SPDX-License-Identifier: Apache-2.0
/** Where a card posts: `/administration?s=<session, 32 hex digits>&n=<scripts that it has run>`. */

const URI = /^\/administration\?s=([0-9a-f]{32})&n=(0|[1-9]\d{0,8})$/;

export interface AdministrationPlace {
  readonly sessionId: string;
  readonly done: number;
}

export const administrationUri = (sessionId: string, done: number): string =>
  `/administration?s=${sessionId}&n=${done}`;

/** Path and query behind the server's name, which some agents put into their request line. @see RFC 9112 3.2.2 */
const ABSOLUTE = /^https?:\/\/[^/?#]{1,300}(?=\/)/i;

/** Undefined for any other text. */
export function readAdministrationUri(text: string): AdministrationPlace | undefined {
  const [, sessionId, done] = URI.exec(text.replace(ABSOLUTE, '')) ?? [];
  return sessionId === undefined ? undefined : { sessionId, done: Number(done) };
}
