// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { newTraceId, traceIdOf, traceparentOf } from '../../trace.ts';

/** Which headers pass the front, in both directions. @see RFC 9110 7.6.1, RFC 7239, W3C Trace Context */

/** Fields of one connection. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'http2-settings', 'expect'],
]);
/** What only the front may say of a caller. */
const OURS: ReadonlySet<string> = new Set([
  ...['forwarded', 'via', 'x-real-ip', 'x-request-id', 'traceparent', 'x-authenticated-user', 'host'],
]);
const isOurs = (name: string): boolean => OURS.has(name) || name.startsWith('x-forwarded');
const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{8,128}$/;
const VIA = '1.1 opentsm-front';

export type HeaderValues = Record<string, string | string[]>;

/** Fields that the connection's own field names belong to the connection too. */
function connectionFields(headers: IncomingHttpHeaders): ReadonlySet<string> {
  const named = String(headers.connection ?? '').split(',');
  return new Set(named.map((name) => name.trim().toLowerCase()));
}

/** Fields for the other end, but those that `leaves` names. */
function endToEnd(headers: IncomingHttpHeaders, leaves?: (name: string) => boolean): HeaderValues {
  const own = headers.connection === undefined ? undefined : connectionFields(headers);
  // `__proto__` is a name like any other.
  const passed: HeaderValues = Object.create(null);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || HOP_BY_HOP.has(name) || own?.has(name) === true || leaves?.(name) === true) continue;
    passed[name] = value;
  }
  return passed;
}

export interface ForwardedRequest {
  readonly headers: IncomingHttpHeaders;
  /** Address of the caller's end of the connection. */
  readonly address: string;
  /** The host that the caller named. */
  readonly host: string;
  /** The user whose token was verified. */
  readonly user?: string;
}

/** Headers of the request to a node, and the id that it goes by. */
export function requestHeaders({ headers, address, host, user }: ForwardedRequest): {
  readonly headers: HeaderValues;
  readonly requestId: string;
} {
  const given = headers['x-request-id'];
  const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  const traceId = traceIdOf(headers.traceparent);
  const passed = endToEnd(headers, (name) => isOurs(name) || (name === 'tracestate' && traceId === undefined));
  const node = address.includes(':') ? `"[${address}]"` : address;
  return {
    requestId,
    headers: {
      ...passed,
      forwarded: `for=${node};host="${host}";proto=https`,
      via: VIA,
      'x-request-id': requestId,
      traceparent: traceparentOf({ traceId: traceId ?? newTraceId() }),
      ...(user === undefined ? {} : { 'x-authenticated-user': user }),
    },
  };
}

/** Headers of the answer to the caller. */
export function responseHeaders(headers: IncomingHttpHeaders, requestId: string): HeaderValues {
  return { ...endToEnd(headers), via: VIA, 'x-request-id': requestId };
}
