// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import { AdministrationKey, AdministrationKeyQuery } from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** The one key that leaves the KMS: its owner ends TLS with it (docs/adr/012-keys-of-remote-administration.md). */
export function administrationKeyRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  app.post(
    '/v1/administration-keys',
    { config: { access }, schema: { body: AdministrationKeyQuery, response: { 200: AdministrationKey } } },
    async ({ body }) => service.administrationKey(body),
  );
}
