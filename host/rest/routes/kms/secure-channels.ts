// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { KeyService } from '../../../service/kms/key-service.ts';
import {
  AuthenticateSecureChannel,
  OpenSecureChannel,
  PlainResponses,
  SecureChannelScript,
  UnwrapResponses,
  WrapCommands,
} from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';
import { incarnationOf } from '../../incarnation.ts';
import { NoContent } from '../no-content.ts';

const ChannelParams = Type.Object({ id: Type.String({ pattern: '^[0-9A-F]{32}$' }) }, { additionalProperties: false });

/** Secure channels: session keys stay here, scripts go out. */
export function secureChannelRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/secure-channels',
    { config, schema: { body: OpenSecureChannel, response: { 200: SecureChannelScript } } },
    async (request) => {
      const opened = await service.openSecureChannel(request.body, incarnationOf(request));
      request.log.info({ flow: request.body.flow }, 'secure channel opened');
      return opened;
    },
  );

  app.post(
    '/v1/secure-channels/:id/authenticate',
    {
      config,
      schema: { params: ChannelParams, body: AuthenticateSecureChannel, response: { 200: SecureChannelScript } },
    },
    async ({ params, body }) => service.authenticate(params.id, body),
  );

  app.post(
    '/v1/secure-channels/:id/wrap',
    { config, schema: { params: ChannelParams, body: WrapCommands, response: { 200: SecureChannelScript } } },
    async ({ params, body }) => service.wrap(params.id, body),
  );

  app.post(
    '/v1/secure-channels/:id/unwrap',
    { config, schema: { params: ChannelParams, body: UnwrapResponses, response: { 200: PlainResponses } } },
    async ({ params, body }) => service.unwrap(params.id, body),
  );

  app.delete(
    '/v1/secure-channels/:id',
    { config, schema: { params: ChannelParams, response: { 204: NoContent } } },
    async ({ params }, reply) => {
      await service.closeSecureChannel(params.id);
      return reply.code(204).send(null);
    },
  );
}
