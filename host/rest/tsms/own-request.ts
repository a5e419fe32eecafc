// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';
import type { ServiceProvider } from '../../service/provider/tsms/backend.ts';
import { RequestError } from '../problem.ts';
import { checkerOf } from '../validation.ts';

/** What routes of ours beside the TSM-Backend take from a request. */

/** @throws RequestError 401 */
export function providerOf({ serviceProvider }: FastifyRequest): ServiceProvider {
  if (serviceProvider === null) throw new RequestError('token-refused', 'this route needs a token', [], 401);
  return serviceProvider;
}

/** @throws RequestError 400 with each field that is not right */
export function checked<S extends Parameters<typeof checkerOf>[0]>(schema: S, value: unknown) {
  const checker = checkerOf(schema);
  if (checker.is(value)) return value;
  throw new RequestError('invalid-request', 'the request is not right', checker.errors(value));
}
