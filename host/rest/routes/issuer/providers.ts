// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Providers } from '../../../service/issuer/providers.ts';
import { ProviderId, ProviderRegistration, RegisteredProvider } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const ProviderParams = Type.Object({ providerId: ProviderId }, { additionalProperties: false });

/** Application provider management. */
export function providerRegistrationRoutes(app: RestApp, providers: Providers): void {
  app.get(
    '/v1/providers',
    { config: { access: ['operator'] }, schema: { response: { 200: Type.Array(RegisteredProvider) } } },
    async () =>
      (await providers.list()).map(({ permissions, aids, ...row }) => ({
        ...row,
        permissions: [...permissions],
        aids: [...aids],
      })),
  );

  app.put(
    '/v1/providers/:providerId',
    {
      config: { access: ['operator'] },
      schema: { params: ProviderParams, body: ProviderRegistration, response: { 204: NoContent } },
    },
    async (request, reply) => {
      await providers.put({ providerId: request.params.providerId, ...request.body }, peerUri(request.peer));
      return reply.code(204).send(null);
    },
  );
}
