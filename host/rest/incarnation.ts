// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';
import { RequestError } from './problem.ts';

/** `<node>/<32 hex digits>`: which process of a peer calls, and in which of its lives. */
export const INCARNATION_HEADER = 'opentsm-incarnation';

/** Flows of the caller that have ended since its last request, separated by commas: what was kept for them is freed. */
export const ENDED_FLOWS_HEADER = 'opentsm-ended-flows';
/** Flows that one request may name. */
export const MAX_ENDED_FLOWS = 64;

const FLOWS = /^[A-Za-z0-9._:-]{8,128}(?:,[A-Za-z0-9._:-]{8,128}){0,63}$/;
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

/** None without the header. @throws RequestError when it is malformed */
export function endedFlowsOf(request: FastifyRequest): readonly string[] {
  const text = request.headers[ENDED_FLOWS_HEADER];
  if (text === undefined) return [];
  if (FLOWS.test(String(text))) return String(text).split(',');
  throw new RequestError('invalid-request', 'the ended flows are malformed', [
    { field: `/${ENDED_FLOWS_HEADER}`, message: `must be 1 to ${MAX_ENDED_FLOWS} flow ids separated by commas` },
  ]);
}
