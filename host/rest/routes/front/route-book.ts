// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { RouteBook } from '../../../service/front/route-book.ts';
import { PutRoute, Route, RouteExplanation, Routes, Rule, StartAction } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const Params = Type.Object({ name: Rule.properties.name }, { additionalProperties: false });
const config = { access: ['operator'] as const };

/** Routes of the front, for its operators. */
export function routeBookRoutes(app: RestApp, book: RouteBook): void {
  app.get('/v1/routes', { config, schema: { response: { 200: Routes } } }, async () => book.list());

  app.post(
    '/v1/routes/:name',
    { config, schema: { params: Params, body: PutRoute, response: { 200: Route } } },
    async ({ params, body, peer }) => book.put(params.name, body, peerUri(peer)),
  );

  app.delete(
    '/v1/routes/:name',
    { config, schema: { params: Params, response: { 204: NoContent } } },
    async ({ params, peer }, reply) => {
      await book.remove(params.name, peerUri(peer));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/ext/1/routes/explain',
    { config, schema: { body: StartAction, response: { 200: RouteExplanation } } },
    async ({ body }) => book.explain(body),
  );
}
