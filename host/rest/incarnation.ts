// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';
import { RequestError } from './problem.ts';

/** `<node>/<32 hex digits>`: which process of a peer calls, and in which of its lives. */
export const INCARNATION_HEADER = 'opentsm-incarnation';

const FORM = /^([A-Za-z0-9._-]{1,64})\/([0-9a-f]{32})$/;

/** Undefined without the header. @throws RequestError when it is malformed */
export function incarnationOf(request: FastifyRequest): { node: string; incarnation: string } | undefined {
  const text = request.headers[INCARNATION_HEADER];
  if (text === undefined) return undefined;
  const [, node, incarnation] = FORM.exec(String(text)) ?? [];
  if (node !== undefined && incarnation !== undefined) return { node, incarnation };
  throw new RequestError('invalid-request', 'the incarnation is malformed', [
    { field: `/${INCARNATION_HEADER}`, message: 'must be <node>/<32 hex digits>' },
  ]);
}
