// SPDX-License-Identifier: Apache-2.0
import type { ServiceNodeBeats } from '../../../service/front/service-nodes.ts';
import { type PoolNode, PoolNodes, ServiceNodeBeat } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const operator = { access: ['operator'] as const };
/** Whose services may be behind the front. */
const service = { access: ['issuer', 'provider', 'ota'] as const };

/** How the nodes behind are, for operators of the front, and what services say of themselves. */
export function nodeRoutes(app: RestApp, nodes: () => readonly PoolNode[], beats: ServiceNodeBeats): void {
  app.get('/v1/nodes', { config: operator, schema: { response: { 200: PoolNodes } } }, async () => [...nodes()]);

  app.post(
    '/v1/service-nodes',
    { config: service, schema: { body: ServiceNodeBeat, response: { 204: NoContent } } },
    async ({ body, peer }, reply) => {
      await beats.beat(body, peerUri(peer));
      return reply.code(204).send(null);
    },
  );
}
