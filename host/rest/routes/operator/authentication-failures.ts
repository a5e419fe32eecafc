// SPDX-License-Identifier: Apache-2.0
import type { AuthenticationFuse } from '../../../service/authentication-fuse.ts';
import { AuthenticationFailureList } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';
import { LimitQuery, limitOf } from '../../paging.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from './card-params.ts';

const config = { access: ['operator'] as const };

/** Shows cards that refused authentications, and lets the platform try one of them again. */
export function authenticationFailureRoutes(app: RestApp, fuse: AuthenticationFuse): void {
  app.get(
    '/v1/authentication-failures',
    { config, schema: { querystring: LimitQuery, response: { 200: AuthenticationFailureList } } },
    async ({ query }) => fuse.list(limitOf(query)),
  );

  app.delete(
    '/v1/authentication-failures/:kind/:value',
    { config, schema: { params: CardParams, response: { 204: NoContent } } },
    async ({ params, peer }, reply) => {
      await fuse.reset(cardIdOfParams(params), peer.id);
      return reply.code(204).send(null);
    },
  );
}
