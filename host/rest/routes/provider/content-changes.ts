// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ContentChanges } from '../../../service/provider/content-changes.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import { ContentChangeState, StartContentChange } from '../../../wire/message/content-change.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';
import { peerUri } from '../../identity.ts';

const closed = { additionalProperties: false } as const;
const config = { access: ['operator'] as const };
const IdParams = Type.Object({ id: IdempotencyKey }, closed);

/** Delegated management by the provider's operators. */
export function contentChangeRoutes(app: RestApp, changes: ContentChanges): void {
  app.post(
    '/v1/content-changes',
    {
      config,
      schema: { headers: IdempotencyHeaders, body: StartContentChange, response: { 202: ContentChangeState } },
    },
    async (request, reply) =>
      reply.code(202).send(await changes.start(requestIdOfHeaders(request), peerUri(request.peer), request.body)),
  );

  app.get(
    '/v1/content-changes/:id',
    {
      config,
      schema: { params: IdParams, querystring: Type.Object(StepQuery, closed), response: { 200: ContentChangeState } },
    },
    async ({ params, query }) =>
      changes.state(params.id, { waitMs: waitMsOf(query), afterStep: Number(query.afterStep ?? 0) }),
  );
}
