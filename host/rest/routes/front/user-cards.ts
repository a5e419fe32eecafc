// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { UserCardBook } from '../../../service/front/user-cards.ts';
import { cardIdOfText } from '../../../store/card-id.ts';
import { CardId } from '../../../wire/message/common.ts';
import { UserCards } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const closed = { additionalProperties: false } as const;
const subject = Type.String({ pattern: '^[A-Za-z0-9._|@:-]{1,128}$' });
const Subject = Type.Object({ subject }, closed);
const { kind, value } = CardId.properties;
/** An EID is a further name of a card. */
const SubjectCard = Type.Object({ subject, kind: Type.Union([...kind.anyOf, Type.Literal('eid')]), value }, closed);
/** The card itself, where the path has a further name of it. */
const Of = Type.Object(
  { of: Type.Optional(Type.String({ pattern: '^(iccid|iin-cin|cplc):[0-9A-F-]{4,100}$' })) },
  closed,
);
const config = { access: ['operator'] as const };

/** Which user holds which card, for the operator. */
export function userCardRoutes(app: RestApp, book: UserCardBook): void {
  app.get(
    '/v1/user-cards/:subject',
    { config, schema: { params: Subject, response: { 200: UserCards } } },
    async ({ params }) => book.list(params.subject),
  );

  app.put(
    '/v1/user-cards/:subject/:kind/:value',
    { config, schema: { params: SubjectCard, querystring: Of, response: { 204: NoContent } } },
    async ({ params, query, peer }, reply) => {
      const main = query.of === undefined ? undefined : cardIdOfText(query.of);
      await book.put(params.subject, params, main, peerUri(peer));
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/v1/user-cards/:subject/:kind/:value',
    { config, schema: { params: SubjectCard, response: { 204: NoContent } } },
    async ({ params, peer }, reply) => {
      await book.remove(params.subject, params, peerUri(peer));
      return reply.code(204).send(null);
    },
  );
}
