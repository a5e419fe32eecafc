// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { IdempotencyKey, Name, Problem } from './common.ts';
import { StepRecord } from './key-distribution.ts';

/** What operators see of the flows of a platform. */

const closed = { additionalProperties: false } as const;

/** `queued` waits for a node, `running` is at work on one. */
export const FlowState = Type.Union([
  Type.Literal('queued'),
  Type.Literal('running'),
  Type.Literal('done'),
  Type.Literal('failed'),
]);

const summary = {
  id: IdempotencyKey,
  kind: Name,
  /** The provider for whom it runs. */
  providerId: Name,
  state: FlowState,
  /** Node that works on it. */
  node: Type.Optional(Type.String({ maxLength: 64 })),
  /** 1, and one more for each `retry`. */
  tries: Type.Integer({ minimum: 1 }),
  version: Type.String({ maxLength: 16 }),
  cancelRequested: Type.Boolean(),
  queuedAt: Type.String({ maxLength: 40 }),
  updatedAt: Type.String({ maxLength: 40 }),
  problem: Type.Optional(Problem),
};

/** An entry of GET /v1/flows?state=..&limit=..&after=.. */
export const FlowSummary = Type.Object(summary, closed);
export type FlowSummary = Static<typeof FlowSummary>;

/** Newest first; `next` is the `after` of the following page. */
export const FlowList = Type.Object(
  { flows: Type.Array(FlowSummary, { maxItems: 500 }), next: Type.Optional(IdempotencyKey) },
  closed,
);
export type FlowList = Static<typeof FlowList>;

/** GET /v1/flows/{id}, and the answer of POST /v1/flows/{id}/cancel and /retry */
export const FlowDetail = Type.Object({ ...summary, steps: Type.Array(StepRecord, { maxItems: 64 }) }, closed);
export type FlowDetail = Static<typeof FlowDetail>;
