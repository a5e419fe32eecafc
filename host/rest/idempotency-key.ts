// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { requestIdOf } from '../store/request-log.ts';
import { IdempotencyKey } from '../wire/message/common.ts';
import { peerUri } from './identity.ts';
import { RequestError } from './problem.ts';
import { checkerOf } from './validation.ts';

/** Header schema of a route that changes something: the key becomes the workflow's id. */
export const IdempotencyHeaders = Type.Object({ 'idempotency-key': IdempotencyKey });

/**
 * The request's id, for a route whose `headers` schema is `IdempotencyHeaders`: the key counts for its caller alone.
 *
 * @throws RequestError when the key is missing
 */
export function requestIdOfHeaders(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (checkerOf(IdempotencyKey).is(key)) return requestIdOf(peerUri(request.peer), key);
  throw new RequestError('invalid-request', 'this route needs an idempotency-key', [
    { field: '/idempotency-key', message: 'must be 8 to 128 of A-Z a-z 0-9 . _ : -' },
  ]);
}

/** Query of long polls; parameters are text. */
export const WaitQuery = {
  waitMs: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
};

/** Query of long polls that return with the first row after `afterStep`. */
export const StepQuery = {
  ...WaitQuery,
  afterStep: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$' })),
};

const LONGEST_WAIT_MS = 25_000;

export const waitMsOf = (query: { readonly waitMs?: string }): number =>
  Math.min(LONGEST_WAIT_MS, Number(query.waitMs ?? 0));
