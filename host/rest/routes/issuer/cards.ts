// SPDX-License-Identifier: Apache-2.0
import type { Applications } from '../../../service/issuer/applications.ts';
import type { Cards } from '../../../service/issuer/cards.ts';
import { ApplicationList, CardRegistration } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const config = { access: ['operator'] as const };

/** Card management, and which applications are on a card. */
export function cardRoutes(app: RestApp, cards: Cards, applications: Applications): void {
  app.put(
    '/v1/cards',
    { config, schema: { body: CardRegistration, response: { 204: NoContent } } },
    async (request, reply) => {
      await cards.put(request.body, peerUri(request.peer));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/cards/:kind/:value/applications',
    { config, schema: { params: CardParams, response: { 200: ApplicationList } } },
    async (request) => applications.onCard(cardIdOfParams(request.params)),
  );
}
