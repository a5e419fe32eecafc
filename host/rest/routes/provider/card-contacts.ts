// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { CardLocks } from '../../../service/provider/card-locks.ts';
import { CardId } from '../../../wire/message/common.ts';
import type { RestApp } from '../../app.ts';
import { NoContent } from '../no-content.ts';

const CardContact = Type.Object({ cardId: CardId }, { additionalProperties: false });

/** A phone brings a card: what waits for it is looked for at once, where the OTA server says that it is. */
export function cardContactRoutes(app: RestApp, cardLocks: Pick<CardLocks, 'contact'>): void {
  app.post(
    '/v1/card-contacts',
    { config: { access: ['front'] }, schema: { body: CardContact, response: { 204: NoContent } } },
    async ({ body }, reply) => {
      await cardLocks.contact(body.cardId);
      return reply.code(204).send(null);
    },
  );
}
