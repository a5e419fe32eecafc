// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import { CreateKeyPair, KeyPairInfo } from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** Key pairs by label. */
export function keyPairRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/key-pairs',
    { config, schema: { body: CreateKeyPair, response: { 200: KeyPairInfo } } },
    async ({ body }) => service.createKeyPair(body),
  );
}
