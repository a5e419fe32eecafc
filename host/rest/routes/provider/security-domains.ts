// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { SecurityDomains } from '../../../service/provider/security-domains.ts';
import { SecurityDomainRow } from '../../../wire/message/key-distribution.ts';
import type { RestApp } from '../../app.ts';
import { limitField, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const ListQuery = Type.Object(
  {
    ...limitField,
    /** Card of the last row of the page before. */
    after: Type.Optional(Type.String({ pattern: '^[a-z-]{4,8}:[0-9A-F-]{4,100}$' })),
    state: Type.Optional(SecurityDomainRow.properties.state),
  },
  { additionalProperties: false },
);
const config = { access: ['operator'] as const };

/** The provider's SSDs. */
export function securityDomainRoutes(app: RestApp, securityDomains: SecurityDomains): void {
  app.get(
    '/v1/security-domains',
    { config, schema: { querystring: ListQuery, response: { 200: Type.Array(SecurityDomainRow) } } },
    async ({ query, query: { after, state } }) =>
      securityDomains.list({
        limit: limitOf(query),
        ...(after === undefined ? {} : { after }),
        ...(state === undefined ? {} : { state }),
      }),
  );

  app.delete(
    '/v1/security-domains/:kind/:value',
    { config, schema: { params: CardParams, response: { 204: NoContent } } },
    async (request, reply) => {
      await securityDomains.forget(cardIdOfParams(request.params), request.peer.id);
      return reply.code(204).send(null);
    },
  );
}
