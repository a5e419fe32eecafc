// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Renewals } from '../../../service/provider/renewals.ts';
import { AgreeToRenewal, ProductId, Renewal, RenewalState } from '../../../wire/message/platform.ts';
import type { RestApp } from '../../app.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';

const closed = { additionalProperties: false } as const;
const config = { access: ['operator'] as const };
const Params = Type.Object({ instanceId: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }) }, closed);
const Query = Type.Object(
  {
    ...limitField,
    state: Type.Optional(RenewalState),
    /** The old one or the new one: `iccid:8986..`. */
    card: Type.Optional(Type.String({ pattern: '^[a-z-]{4,8}:[0-9A-F-]{4,100}$' })),
    productId: Type.Optional(ProductId),
    /** `instanceId` of the last of the page before. */
    after: Type.Optional(Params.properties.instanceId),
  },
  closed,
);

/** A word that the card never comes to which a load that pays the balance was sent. */
const EndQuery = Type.Object({ cardIsLost: Type.Optional(Type.Literal('true')) }, closed);

/** What goes from replaced cards onto those that took their place. */
export function renewalRoutes(app: RestApp, renewals: Renewals): void {
  app.get(
    '/v1/renewals',
    { config, schema: { querystring: Query, response: { 200: Type.Array(Renewal, { maxItems: 1_000 }) } } },
    async ({ query, query: { limit: _limit, ...filter } }) => renewals.list({ ...filter, limit: limitOf(query) }),
  );

  app.post(
    '/v1/renewals/:instanceId/agreement',
    { config, schema: { params: Params, body: AgreeToRenewal, response: { 200: Renewal } } },
    async ({ params, body, peer }) => renewals.agree(params.instanceId, body, peer.id),
  );

  app.delete(
    '/v1/renewals/:instanceId',
    { config, schema: { params: Params, querystring: EndQuery, response: { 204: NoContent } } },
    async ({ params, query, peer }, reply) => {
      await renewals.end(params.instanceId, peer.id, { cardIsLost: query.cardIsLost === 'true' });
      return reply.code(204).send(null);
    },
  );
}
