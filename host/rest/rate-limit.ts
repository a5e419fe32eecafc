// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { LimitError } from '../errors.ts';

/** How often one caller may ask one node: each node counts for itself, in memory. */

const closed = { additionalProperties: false } as const;
const Requests = Type.Integer({ minimum: 1, maximum: 1_000_000 });

/** Spread into the config of a listener that strangers reach. */
export const RateLimits = Type.Object(
  {
    /** Requests of one caller in a window: a user, a token, or else an address. Default 300. */
    perCaller: Type.Optional(Requests),
    /** Requests from one address, behind which there may be many phones. Default 3,000. */
    perAddress: Type.Optional(Requests),
    /** Default 10 s. */
    windowSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600 })),
  },
  closed,
);
export type RateLimits = Static<typeof RateLimits>;

const DEFAULTS = { perCaller: 300, perAddress: 3_000, windowSeconds: 10 } as const;
/** Callers that are remembered; beyond, the one that was quiet for longest is forgotten. */
const MAX_CALLERS = 20_000;

/**
 * Limits all routes that come after: by address before anything else is looked at, and by caller once he is known.
 *
 * @throws LimitError `rate-limit` (429), with `retry-after`
 */
export async function limitRates(app: FastifyInstance, limits: RateLimits = {}): Promise<void> {
  const { perCaller, perAddress, windowSeconds } = { ...DEFAULTS, ...limits };
  await app.register(rateLimit, { global: false, cache: MAX_CALLERS });
  const limit = (max: number, keyGenerator: (request: FastifyRequest) => string) => {
    const count = app.createRateLimit({ max, timeWindow: windowSeconds * 1_000, keyGenerator });
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) return;
      reply.header('retry-after', counted.ttlInSeconds);
      throw new LimitError('rate-limit', `Too many requests: try again in ${counted.ttlInSeconds} s`);
    };
  };
  app.addHook('onRequest', limit(perAddress, addressOf));
  app.addHook('preValidation', limit(perCaller, callerOf));
}

const addressOf = ({ ip }: FastifyRequest): string => `address ${ip}`;

/** A user by his name, an agent or a service provider by its token, and else an address. */
function callerOf(request: FastifyRequest): string {
  const { peer } = request;
  if (peer !== undefined && peer !== null && peer.id !== '') return `${peer.role} ${peer.id}`;
  const { authorization } = request.headers;
  if (authorization === undefined) return `caller ${request.ip}`;
  // No secret is kept, and no long one.
  return `token ${createHash('sha256').update(authorization).digest('base64')}`;
}
