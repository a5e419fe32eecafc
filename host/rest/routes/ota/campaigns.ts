// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Campaigns } from '../../../service/ota/campaigns.ts';
import { Campaign, QueuedPacket, StartCampaign } from '../../../wire/message/campaign.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders } from '../../idempotency-key.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const closed = { additionalProperties: false } as const;
const config = { access: ['operator'] as const };
const Id = Type.String({ pattern: '^[0-9a-f]{32}$' });
const CampaignParams = Type.Object({ campaignId: Id }, closed);
const PacketParams = Type.Object({ packetId: Id }, closed);
const PacketQuery = Type.Object({ ...limitField, after: Type.Optional(Id) }, closed);
const Packets = Type.Array(QueuedPacket, { maxItems: 1_000 });

/** Packets for many cards, and the queue of one: for the operators of this server. */
export function campaignRoutes(app: RestApp, campaigns: Campaigns): void {
  app.post(
    '/v1/campaigns',
    { config, schema: { headers: IdempotencyHeaders, body: StartCampaign, response: { 202: Campaign } } },
    async (request, reply) => reply.code(202).send(await campaigns.start(requestIdOfHeaders(request), request.body)),
  );

  app.get('/v1/campaigns', { config, schema: { response: { 200: Type.Array(Campaign, { maxItems: 100 }) } } }, () =>
    campaigns.list(),
  );

  app.get(
    '/v1/campaigns/:campaignId',
    { config, schema: { params: CampaignParams, response: { 200: Campaign } } },
    async ({ params }) => campaigns.find(params.campaignId),
  );

  app.get(
    '/v1/campaigns/:campaignId/packets',
    { config, schema: { params: CampaignParams, querystring: PacketQuery, response: { 200: Packets } } },
    async ({ params, query }) =>
      campaigns.packets(params.campaignId, { after: query.after ?? '', limit: limitOf(query) }),
  );

  for (const [verb, work] of [
    ['pause', (id: string) => campaigns.setPaused(id, true)],
    ['resume', (id: string) => campaigns.setPaused(id, false)],
    ['cancel', (id: string) => campaigns.cancel(id)],
  ] as const)
    app.post(
      `/v1/campaigns/:campaignId/${verb}`,
      { config, schema: { params: CampaignParams, response: { 200: Campaign } } },
      async ({ params }) => work(params.campaignId),
    );

  app.get(
    '/v1/card-queues/:kind/:value',
    { config, schema: { params: CardParams, response: { 200: Packets } } },
    async ({ params }) => campaigns.queueOf(cardIdOfParams(params)),
  );

  app.delete(
    '/v1/packets/:packetId',
    { config, schema: { params: PacketParams, response: { 204: NoContent } } },
    async ({ params }, reply) => {
      await campaigns.withdraw(params.packetId);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/packets/:packetId/give-up',
    { config, schema: { params: PacketParams, response: { 204: NoContent } } },
    async ({ params }, reply) => {
      await campaigns.giveUp(params.packetId);
      return reply.code(204).send(null);
    },
  );
}
