// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ApplicationRequests } from '../../../service/issuer/application-requests.ts';
import type { Products } from '../../../service/issuer/products.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import {
  ApplicationRemoval,
  ApplicationRequest,
  ApplicationRequestState,
  CardProduct,
  LossReport,
  LossReportEntry,
  Permit,
  ProductId,
  ProductRegistration,
  RegisteredProduct,
  StartLossReport,
  TakePermit,
} from '../../../wire/message/platform.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';
import { peerUri } from '../../identity.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const ProductParams = Type.Object({ productId: ProductId }, closed);
const ProductsQuery = Type.Object({ ...limitField, after: Type.Optional(ProductId) }, closed);
const ReportsQuery = Type.Object(
  {
    ...limitField,
    after: Type.Optional(IdempotencyKey),
    state: Type.Optional(LossReport.properties.state),
    /** `iccid:8986..` */
    card: Type.Optional(Type.String({ pattern: '^[a-z-]{4,8}:[0-9A-F-]{4,100}$' })),
  },
  closed,
);
const provider = { access: ['provider'] as const };
/** The front carries what users ask; operators may do it themselves. */
const front = { access: ['operator', 'front'] as const };

/** Nine load files of 64 KiB in hex, and what is around them. */
export const APPLICATION_BYTES = 9 * 131_072 + 65_536;

/** LOAD, INSTALL and DELETE for providers. */
export function applicationRequestRoutes(app: RestApp, requests: ApplicationRequests): void {
  app.post(
    '/v1/application-requests',
    {
      config: provider,
      bodyLimit: APPLICATION_BYTES,
      schema: { headers: IdempotencyHeaders, body: ApplicationRequest, response: { 202: ApplicationRequestState } },
    },
    async (request, reply) =>
      reply.code(202).send(await requests.request(requestIdOfHeaders(request), request.peer.id, request.body)),
  );

  app.post(
    '/v1/application-removals',
    {
      config: provider,
      schema: { headers: IdempotencyHeaders, body: ApplicationRemoval, response: { 202: ApplicationRequestState } },
    },
    async (request, reply) =>
      reply.code(202).send(await requests.remove(requestIdOfHeaders(request), request.peer.id, request.body)),
  );

  app.get(
    '/v1/application-requests/:id',
    {
      config: provider,
      schema: {
        params: IdParams,
        querystring: Type.Object(StepQuery, closed),
        response: { 200: ApplicationRequestState },
      },
    },
    async ({ params, peer, query }) =>
      requests.state(params.id, peer.id, { waitMs: waitMsOf(query), afterStep: Number(query.afterStep ?? 0) }),
  );
}

/** Products, permits to load them, and loss reports (SE TSM). */
export function productRoutes(app: RestApp, products: Products): void {
  app.put(
    '/v1/products/:productId',
    {
      config: { access: ['operator'] },
      schema: { params: ProductParams, body: ProductRegistration, response: { 204: NoContent } },
    },
    async (request, reply) => {
      await products.put(request.params.productId, request.body.providerId, peerUri(request.peer));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/products',
    {
      config: { access: ['operator'] },
      schema: { querystring: ProductsQuery, response: { 200: Type.Array(RegisteredProduct) } },
    },
    async ({ query, query: { after } }) =>
      products.list({ limit: limitOf(query), ...(after === undefined ? {} : { after }) }),
  );

  app.get(
    '/v1/cards/:kind/:value/products',
    { config: { access: ['operator'] }, schema: { params: CardParams, response: { 200: Type.Array(CardProduct) } } },
    async (request) => products.onCard(cardIdOfParams(request.params)),
  );

  app.post(
    '/v1/load-permits',
    { config: provider, schema: { headers: IdempotencyHeaders, body: TakePermit, response: { 201: Permit } } },
    async (request, reply) =>
      reply.code(201).send(await products.takePermit(requestIdOfHeaders(request), request.peer.id, request.body)),
  );

  app.post(
    '/v1/load-permits/release',
    { config: provider, schema: { headers: IdempotencyHeaders, response: { 204: NoContent } } },
    async (request, reply) => {
      await products.releasePermit(requestIdOfHeaders(request));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/loss-reports',
    { config: front, schema: { headers: IdempotencyHeaders, body: StartLossReport, response: { 201: LossReport } } },
    async (request, reply) =>
      reply.code(201).send(await products.reportLoss(requestIdOfHeaders(request), peerUri(request.peer), request.body)),
  );

  app.get(
    '/v1/loss-reports',
    { config: front, schema: { querystring: ReportsQuery, response: { 200: Type.Array(LossReportEntry) } } },
    async ({ query, query: { limit: _limit, ...rest } }) => products.lossReports({ limit: limitOf(query), ...rest }),
  );

  app.get(
    '/v1/loss-reports/:id',
    { config: front, schema: { params: IdParams, response: { 200: LossReport } } },
    async ({ params }) => products.lossReport(params.id),
  );

  app.delete(
    '/v1/loss-reports/:id',
    { config: front, schema: { params: IdParams, response: { 204: NoContent } } },
    async (request, reply) => {
      await products.closeLossReport(request.params.id, peerUri(request.peer));
      return reply.code(204).send(null);
    },
  );
}
