// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { KeyService } from '../../../service/kms/key-service.ts';
import { FlowId } from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const FlowParams = Type.Object({ id: FlowId }, { additionalProperties: false });

/** Ends what is kept for a flow. */
export function flowRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  app.delete(
    '/v1/flows/:id',
    { config: { access }, schema: { params: FlowParams, response: { 204: NoContent } } },
    async ({ params }, reply) => {
      await service.endFlow(params.id);
      return reply.code(204).send(null);
    },
  );
}
