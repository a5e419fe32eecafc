// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import {
  AuthorizeDebit,
  AuthorizeLoad,
  CreatePurseKeySet,
  DebitAuthorization,
  LoadAuthorization,
  LoadCertificate,
  LoadQuery,
  PurchaseCertificate,
  PurseKeySetInfo,
  Verified,
} from '../../../wire/message/purse.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** Keys of purses by the label of their set, and the cryptograms of loads and of debits. */
export function purseRoutes(app: RestApp, { purse }: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/purse-key-sets',
    { config, schema: { body: CreatePurseKeySet, response: { 200: PurseKeySetInfo } } },
    async ({ body }) => purse.createKeySet(body),
  );

  app.post(
    '/v1/purse/load-authorizations',
    { config, schema: { body: AuthorizeLoad, response: { 200: LoadAuthorization } } },
    async ({ body }) => purse.authorizeLoad(body),
  );

  app.post(
    '/v1/purse/load-queries',
    { config, schema: { body: LoadQuery, response: { 200: Verified } } },
    async ({ body }) => purse.queryLoad(body),
  );

  app.post(
    '/v1/purse/load-certificates',
    { config, schema: { body: LoadCertificate, response: { 200: Verified } } },
    async ({ body }) => purse.verifyLoad(body),
  );

  app.post(
    '/v1/purse/debit-authorizations',
    { config, schema: { body: AuthorizeDebit, response: { 200: DebitAuthorization } } },
    async ({ body }) => purse.authorizeDebit(body),
  );

  app.post(
    '/v1/purse/purchase-certificates',
    { config, schema: { body: PurchaseCertificate, response: { 200: Verified } } },
    async ({ body }) => purse.verifyPurchase(body),
  );
}
