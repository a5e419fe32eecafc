// SPDX-License-Identifier: Apache-2.0
import { type PoolNode, PoolNodes } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';

const config = { access: ['operator'] as const };

/** How the nodes of the platforms behind are, for operators of the front. */
export function nodeRoutes(app: RestApp, nodes: () => readonly PoolNode[]): void {
  app.get('/v1/nodes', { config, schema: { response: { 200: PoolNodes } } }, async () => [...nodes()]);
}
