// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import { CreateDomainKeys, DomainKeys } from '../../../wire/message/domain-keys.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

/** First key sets of domains that are somebody else's. */
export function domainKeyRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  app.post(
    '/v1/domain-keys',
    { config: { access }, schema: { body: CreateDomainKeys, response: { 200: DomainKeys } } },
    async ({ body }) => service.domainKeys.create(body),
  );
  app.post(
    '/v1/domain-keys/checks',
    { config: { access }, schema: { body: CreateDomainKeys, response: { 204: NoContent } } },
    async ({ body }, reply) => {
      await service.domainKeys.check(body);
      return reply.code(204).send(null);
    },
  );
}
