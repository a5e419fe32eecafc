// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ProductFlows } from '../../../service/provider/product-flows.ts';
import type { ProductStates } from '../../../service/provider/product-states.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import {
  DeploymentState,
  Ledger,
  Load,
  LoadFilter,
  ProductStateChange,
  ProductStateSnapshot,
  ServiceInstance,
  StartDeployment,
  StartTopUp,
  TopUpState,
} from '../../../wire/message/platform.ts';
import { Purchase, PurseSerial } from '../../../wire/message/purse.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';
import { peerUri } from '../../identity.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const SerialParams = Type.Object({ serial: PurseSerial }, closed);
const LoadsQuery = Type.Object(
  { ...limitField, state: LoadFilter, after: Type.Optional(Load.properties.loadId) },
  closed,
);
const StateQuery = Type.Object(StepQuery, closed);
const operator = { access: ['operator'] as const };
/** The front carries what users ask; operators may do it themselves. */
const front = { access: ['operator', 'front'] as const };

const waitOf = (query: { readonly waitMs?: string; readonly afterStep?: string }) => ({
  waitMs: waitMsOf(query),
  afterStep: Number(query.afterStep ?? 0),
});

/** Deployments and top-ups (SP TSM). */
export function productFlowRoutes(app: RestApp, flows: ProductFlows): void {
  app.post(
    '/v1/deployments',
    {
      config: operator,
      schema: { headers: IdempotencyHeaders, body: StartDeployment, response: { 202: DeploymentState } },
    },
    async (request, reply) =>
      reply
        .code(202)
        .send(await flows.startDeployment(requestIdOfHeaders(request), peerUri(request.peer), request.body)),
  );

  app.get(
    '/v1/deployments/:id',
    { config: operator, schema: { params: IdParams, querystring: StateQuery, response: { 200: DeploymentState } } },
    async ({ params, query }) => flows.deployment(params.id, waitOf(query)),
  );

  app.post(
    '/v1/top-ups',
    { config: front, schema: { headers: IdempotencyHeaders, body: StartTopUp, response: { 202: TopUpState } } },
    async (request, reply) =>
      reply.code(202).send(await flows.startTopUp(requestIdOfHeaders(request), peerUri(request.peer), request.body)),
  );

  app.get(
    '/v1/top-ups/:id',
    { config: front, schema: { params: IdParams, querystring: StateQuery, response: { 200: TopUpState } } },
    async ({ params, query }) => flows.topUp(params.id, waitOf(query)),
  );
}

/** What the issuer says of products, and what the provider knows of them. */
export function productStateRoutes(app: RestApp, states: ProductStates): void {
  app.post(
    '/v1/product-state-changes',
    { config: { access: ['issuer'] }, schema: { body: ProductStateChange, response: { 204: NoContent } } },
    async (request, reply) => {
      await states.change(request.body, request.peer.id);
      return reply.code(204).send(null);
    },
  );

  app.put(
    '/v1/product-states/:kind/:value',
    {
      config: { access: ['issuer'] },
      schema: { params: CardParams, body: ProductStateSnapshot, response: { 204: NoContent } },
    },
    async ({ params, body, peer }, reply) => {
      await states.put(cardIdOfParams(params), body, peer.id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/service-instances',
    { config: operator, schema: { response: { 200: Type.Array(ServiceInstance) } } },
    async () => states.instances(),
  );

  app.post(
    '/v1/purchases',
    { config: operator, schema: { body: Purchase, response: { 204: NoContent } } },
    async (request, reply) => {
      await states.collect(request.body);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/loads',
    { config: operator, schema: { querystring: LoadsQuery, response: { 200: Type.Array(Load) } } },
    async ({ query, query: { state: filter, after } }) =>
      states.loads({ filter, limit: limitOf(query), ...(after === undefined ? {} : { after }) }),
  );

  app.get(
    '/v1/ledger/:serial',
    { config: operator, schema: { params: SerialParams, response: { 200: Ledger } } },
    async ({ params }) => states.ledger(params.serial),
  );
}
