// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';

/** Tokens of service providers in requests. @see RFC 6750 */

const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{16,512}=*)$/i;

/** Undefined without one, or where what stands there could be none of ours. */
export const bearerOf = ({ headers }: FastifyRequest): string | undefined =>
  BEARER.exec(headers.authorization ?? '')?.[1];

/** `www-authenticate` of a 401: what is wanted, and that the token which came is none. @see RFC 6750, 3.1 */
export const challengeOf = (request: FastifyRequest): string =>
  bearerOf(request) === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
