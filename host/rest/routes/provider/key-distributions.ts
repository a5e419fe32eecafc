// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { KeyDistributions } from '../../../service/provider/key-distributions.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import { KeyDistributionState, StartKeyDistribution } from '../../../wire/message/key-distribution.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const StateQuery = Type.Object(StepQuery, closed);
const config = { access: ['operator'] as const };

/** Starts flows and tells how they go on. */
export function keyDistributionRoutes(app: RestApp, keyDistributions: KeyDistributions): void {
  app.post(
    '/v1/key-distributions',
    {
      config,
      schema: { headers: IdempotencyHeaders, body: StartKeyDistribution, response: { 202: KeyDistributionState } },
    },
    async (request, reply) => {
      const id = requestIdOfHeaders(request);
      return reply.code(202).send(await keyDistributions.start(id, request.peer.id, request.body));
    },
  );

  app.get(
    '/v1/key-distributions/:id',
    { config, schema: { params: IdParams, querystring: StateQuery, response: { 200: KeyDistributionState } } },
    async (request) =>
      keyDistributions.state(request.params.id, {
        waitMs: waitMsOf(request.query),
        afterStep: Number(request.query.afterStep ?? 0),
      }),
  );
}
