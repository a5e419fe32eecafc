// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { FlowFilter } from '../../store/flows.ts';
import { IdempotencyKey } from '../../wire/message/common.ts';
import { FlowDetail, FlowList, FlowState } from '../../wire/message/flow.ts';
import { ProviderId } from '../../wire/message/operator.ts';
import type { RestApp } from '../app.ts';
import type { Access } from '../identity.ts';
import { limitField, limitOf } from '../paging.ts';

/** What the routes need of either platform's flows. */
export interface FlowService {
  list(filter: FlowFilter): Promise<FlowList>;
  show(id: string): Promise<FlowDetail>;
  cancel(id: string, caller: string): Promise<FlowDetail>;
  retry(id: string, caller: string): Promise<FlowDetail>;
}

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const ListQuery = Type.Object(
  {
    state: Type.Optional(FlowState),
    ...limitField,
    after: Type.Optional(IdempotencyKey),
    provider: Type.Optional(ProviderId),
  },
  closed,
);

/** Flows of a platform, for its operators. */
export function flowRoutes(app: RestApp, flows: FlowService, access: readonly Access[]): void {
  const config = { access };

  app.get(
    '/v1/flows',
    { config, schema: { querystring: ListQuery, response: { 200: FlowList } } },
    async ({ query, query: { state, after, provider } }) =>
      flows.list({
        limit: limitOf(query),
        ...(state === undefined ? {} : { state }),
        ...(after === undefined ? {} : { after }),
        ...(provider === undefined ? {} : { provider }),
      }),
  );

  app.get(
    '/v1/flows/:id',
    { config, schema: { params: IdParams, response: { 200: FlowDetail } } },
    async ({ params }) => flows.show(params.id),
  );

  app.post(
    '/v1/flows/:id/cancel',
    { config, schema: { params: IdParams, response: { 200: FlowDetail } } },
    async ({ params, peer }) => flows.cancel(params.id, peer.id),
  );

  app.post(
    '/v1/flows/:id/retry',
    { config, schema: { params: IdParams, response: { 200: FlowDetail } } },
    async ({ params, peer }) => flows.retry(params.id, peer.id),
  );
}
