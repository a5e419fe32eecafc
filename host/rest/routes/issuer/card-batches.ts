// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { CardBatches } from '../../../service/issuer/card-batches.ts';
import {
  BatchParams,
  CardBatch,
  CardBatchFault,
  CardBatchRows,
  ChipModel,
  ChipModelRegistration,
  ModelParams,
  StartCardBatch,
} from '../../../wire/message/card-batches.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';

const closed = { additionalProperties: false } as const;
const config = { access: ['operator'] as const };
const Commit = Type.Object({ rows: Type.Integer({ minimum: 0, maximum: 10_000_000 }) }, closed);
const FaultQuery = Type.Object(
  { ...limitField, after: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}$' })) },
  closed,
);

/** Chip models, and cards as their maker delivers them. */
export function cardBatchRoutes(app: RestApp, batches: CardBatches): void {
  app.put(
    '/v1/chip-models/:modelId',
    { config, schema: { params: ModelParams, body: ChipModelRegistration, response: { 204: NoContent } } },
    async (request, reply) => {
      await batches.putModel(request.params.modelId, request.body, peerUri(request.peer));
      return reply.code(204).send(null);
    },
  );

  app.get('/v1/chip-models', { config, schema: { response: { 200: Type.Array(ChipModel) } } }, async () =>
    batches.models(),
  );

  app.post(
    '/v1/card-batches',
    { config, schema: { body: StartCardBatch, response: { 201: CardBatch } } },
    async ({ body, peer }, reply) => reply.code(201).send(await batches.start(body, peerUri(peer))),
  );

  app.get(
    '/v1/card-batches/:batchId',
    { config, schema: { params: BatchParams, response: { 200: CardBatch } } },
    async ({ params }) => batches.find(params.batchId),
  );

  app.get(
    '/v1/card-batches/:batchId/faults',
    {
      config,
      schema: { params: BatchParams, querystring: FaultQuery, response: { 200: Type.Array(CardBatchFault) } },
    },
    async ({ params, query }) =>
      batches.faults(params.batchId, { after: Number(query.after ?? 0), limit: limitOf(query) }),
  );

  app.post(
    '/v1/card-batches/:batchId/rows',
    { config, schema: { params: BatchParams, body: CardBatchRows, response: { 204: NoContent } } },
    async ({ params, body }, reply) => {
      await batches.addRows(params.batchId, body.rows);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/card-batches/:batchId/commit',
    { config, schema: { params: BatchParams, body: Commit, response: { 200: CardBatch } } },
    async ({ params, body, peer }) => batches.commit(params.batchId, body.rows, peerUri(peer)),
  );

  app.delete(
    '/v1/card-batches/:batchId',
    { config, schema: { params: BatchParams, response: { 204: NoContent } } },
    async ({ params, peer }, reply) => {
      await batches.cancel(params.batchId, peerUri(peer));
      return reply.code(204).send(null);
    },
  );
}
