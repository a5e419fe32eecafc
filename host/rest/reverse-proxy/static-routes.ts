// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { UsageError } from '../../errors.ts';

/** Static routes of the front: host and path prefix to a pool of service nodes. */

const closed = { additionalProperties: false } as const;

export const StaticRoute = Type.Object(
  {
    /** Without it, any host. */
    host: Type.Optional(Type.String({ pattern: '^[a-z0-9.-]{1,253}$' })),
    /** Whole segments: `/shop` takes `/shop` and `/shop/1`, and not `/shopping`. */
    prefix: Type.String({ pattern: '^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$', maxLength: 200 }),
    pool: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
    /** `user`: only with a token that the front has verified; `anybody`: the nodes behind see to it. */
    access: Type.Union([Type.Literal('user'), Type.Literal('anybody')]),
    /** Takes WebSocket connections too; default no. */
    webSocket: Type.Optional(Type.Boolean()),
    /** Longest body of a request in bytes; default 1 MiB. */
    maxRequestBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 })),
    /** Longest body of an answer in bytes; default 64 MiB. */
    maxResponseBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 40 })),
    /** From the request to the end of the answer; default 60,000. */
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 3_600_000 })),
  },
  closed,
);
export type StaticRoute = Static<typeof StaticRoute>;

export interface RouteLimits {
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly timeoutMs: number;
}
export const ROUTE_DEFAULTS: RouteLimits = { maxRequestBytes: 2 ** 20, maxResponseBytes: 2 ** 26, timeoutMs: 60_000 };

/** @throws UsageError `config-field` for two routes that say the same place, or a pool that is not there */
export function checkStaticRoutes(routes: readonly StaticRoute[], pools: ReadonlySet<string>): void {
  const places = new Set<string>();
  for (const { host = '*', prefix, pool } of routes) {
    const field = { field: '/proxy/routes' };
    if (!pools.has(pool)) throw new UsageError('config-field', `/proxy/routes: there is no pool ${pool}`, field);
    const place = `${host}${prefix}`;
    if (places.has(place)) throw new UsageError('config-field', `/proxy/routes: ${place} is there twice`, field);
    places.add(place);
  }
}

/**
 * A path that every part of the way reads alike: whoever decodes it finds no other segments, no way up, no end.
 *
 * @see RFC 3986 5.2.4, 6.2.2.2
 */
export function isPlainPath(path: string): boolean {
  if (!/^\/[\x21-\x7E]*$/.test(path) || /[\\#]|%2f|%5c|%00|%(?![0-9A-Fa-f]{2})|\/\//i.test(path)) return false;
  return !path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
}

/** The route with the longest prefix; one that names the host goes before one that does not. */
export function routeOf(routes: readonly StaticRoute[], host: string, path: string): StaticRoute | undefined {
  let best: StaticRoute | undefined;
  for (const route of routes) {
    if (route.host !== undefined && route.host !== host) continue;
    const { prefix } = route;
    if (prefix !== '/' && path !== prefix && !path.startsWith(`${prefix}/`)) continue;
    if (best === undefined || isCloser(route, best)) best = route;
  }
  return best;
}

const isCloser = (one: StaticRoute, other: StaticRoute): boolean =>
  (one.host === undefined) === (other.host === undefined)
    ? one.prefix.length > other.prefix.length
    : one.host !== undefined;
