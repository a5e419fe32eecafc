// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { KeyService } from '../../../service/kms/key-service.ts';
import * as message from '../../../wire/message/managed-keys.ts';
import type { RestApp } from '../../app.ts';
import { type Access, peerUri } from '../../identity.ts';

/** Life cycle of symmetric keys, by the operators of this KMS; their use, by its owner. */
export function managedKeyRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access: ['operator'] as const };
  const { managedKeys, ceremonies } = service;
  const { ManagedKey, KeyLabelParams } = message;

  app.get('/v1/managed-keys', { config, schema: { response: { 200: Type.Array(ManagedKey) } } }, async () =>
    managedKeys.list(),
  );

  app.post(
    '/v1/managed-keys',
    { config, schema: { body: message.KeyAttributes, response: { 201: ManagedKey } } },
    async ({ body, peer }, reply) => reply.code(201).send(await managedKeys.generate(body, peerUri(peer))),
  );

  app.get(
    '/v1/managed-keys/:label',
    { config, schema: { params: KeyLabelParams, response: { 200: ManagedKey } } },
    async ({ params }) => managedKeys.find(params.label),
  );

  for (const act of ['activate', 'suspend', 'rotate'] as const) {
    app.post(
      `/v1/managed-keys/:label/${act}`,
      { config, schema: { params: KeyLabelParams, response: { 200: ManagedKey } } },
      async ({ params, peer }) => managedKeys[act](params.label, peerUri(peer)),
    );
  }

  app.post(
    '/v1/key-imports',
    { config, schema: { body: message.KeyImport, response: { 201: ManagedKey } } },
    async ({ body, peer }, reply) => reply.code(201).send(await managedKeys.importBlock(body, peerUri(peer))),
  );

  app.post(
    '/v1/key-components',
    { config, schema: { body: message.KeyComponent, response: { 200: message.ComponentsGiven } } },
    async ({ body, peer }) => ceremonies.giveComponent(body, peerUri(peer)),
  );

  app.get('/v1/key-approvals', { config, schema: { response: { 200: Type.Array(message.KeyApproval) } } }, async () =>
    ceremonies.waiting(),
  );

  app.post(
    '/v1/key-approvals',
    { config, schema: { body: message.KeyApprovalRequest, response: { 201: message.KeyApproval } } },
    async ({ body, peer }, reply) => reply.code(201).send(await ceremonies.request(body, peerUri(peer))),
  );

  app.post(
    '/v1/key-approvals/:approvalId/approve',
    { config, schema: { params: message.ApprovalParams, response: { 200: message.ApprovedAct } } },
    async ({ params, peer }) => ceremonies.approve(params.approvalId, peerUri(peer)),
  );

  app.post(
    '/v1/key-operations',
    { config: { access }, schema: { body: message.KeyOperation, response: { 200: message.KeyOperationResult } } },
    async ({ body, peer }) => managedKeys.use(body, peerUri(peer)),
  );
}
