// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import { TranslateCardKeys, TranslatedCardKeys } from '../../../wire/message/card-batches.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** Keys of cards that come from their maker: from one key block to another, never in clear. */
export function cardKeyBlockRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  app.post(
    '/v1/card-key-translations',
    { config: { access }, schema: { body: TranslateCardKeys, response: { 200: TranslatedCardKeys } } },
    async ({ body }) => service.cardKeys.translate(body),
  );
}
