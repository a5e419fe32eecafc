// SPDX-License-Identifier: Apache-2.0
/** Where a card posts: `/administration?s=<session, 32 hex digits>&n=<scripts that it has run>`. */

const URI = /^\/administration\?s=([0-9a-f]{32})&n=(0|[1-9]\d{0,8})$/;

export interface AdministrationPlace {
  readonly sessionId: string;
  readonly done: number;
}

export const administrationUri = (sessionId: string, done: number): string =>
  `/administration?s=${sessionId}&n=${done}`;

/** Undefined for any other text. */
export function readAdministrationUri(text: string): AdministrationPlace | undefined {
  const [, sessionId, done] = URI.exec(text) ?? [];
  return sessionId === undefined ? undefined : { sessionId, done: Number(done) };
}
