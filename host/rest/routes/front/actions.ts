// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Actions } from '../../../service/front/actions.ts';
import { ActionState, StartAction } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, WaitQuery, waitMsOf } from '../../idempotency-key.ts';

const closed = { additionalProperties: false } as const;
const Params = Type.Object({ processId: ActionState.properties.processId }, closed);
const config = { access: ['user'] as const };

/** What a user does with a card (A2, B1): our extension to the two standards. */
export function actionRoutes(app: RestApp, actions: Actions): void {
  app.post(
    '/ext/1/actions',
    { config, schema: { headers: IdempotencyHeaders, body: StartAction, response: { 202: ActionState } } },
    async (request, reply) => {
      const { id: subject, authentication } = request.peer;
      const user = { subject, ...(authentication === undefined ? {} : { authentication }) };
      const state = await actions.start(user, requestIdOfHeaders(request), request.body);
      return reply.code(202).send(state);
    },
  );

  app.get(
    '/ext/1/actions/:processId',
    { config, schema: { params: Params, querystring: Type.Object(WaitQuery, closed), response: { 200: ActionState } } },
    async ({ peer, params, query }) => actions.state({ subject: peer.id }, params.processId, waitMsOf(query)),
  );
}
