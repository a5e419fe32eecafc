// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import {
  ContentKeyInfo,
  ContentToken,
  CreateContentKey,
  SignToken,
  VerifiedReceipt,
  VerifyReceipt,
} from '../../../wire/message/content-key.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** Keys of content management by their label: tokens for delegated commands, and the cards' receipts. */
export function contentKeyRoutes(app: RestApp, { content }: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/content-keys',
    { config, schema: { body: CreateContentKey, response: { 200: ContentKeyInfo } } },
    async ({ body }) => content.createKey(body),
  );

  app.post(
    '/v1/content-tokens',
    { config, schema: { body: SignToken, response: { 200: ContentToken } } },
    async ({ body }) => content.signToken(body),
  );

  app.post(
    '/v1/content-receipts',
    { config, schema: { body: VerifyReceipt, response: { 200: VerifiedReceipt } } },
    async ({ body }) => content.verifyReceipt(body),
  );
}
