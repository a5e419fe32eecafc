// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ContentTokens } from '../../../service/issuer/content-tokens.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import {
  ContentTokenList,
  ContentTokenRequest,
  EndedTokens,
  EndTokens,
  GrantedToken,
  ReceiptState,
  ReportReceipt,
} from '../../../wire/message/content-change.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders } from '../../idempotency-key.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const provider = { access: ['provider'] as const };
const TokenParams = Type.Object({ tokenId: IdempotencyKey }, { additionalProperties: false });

/** Delegated management: tokens for providers, and the receipts that they bring back. */
export function contentTokenRoutes(app: RestApp, tokens: ContentTokens): void {
  app.post(
    '/v1/content-tokens',
    {
      config: provider,
      schema: { headers: IdempotencyHeaders, body: ContentTokenRequest, response: { 201: GrantedToken } },
    },
    async (request, reply) =>
      reply.code(201).send(await tokens.grant(requestIdOfHeaders(request), request.peer.id, request.body)),
  );

  app.post(
    '/v1/content-tokens/:tokenId/receipt',
    { config: provider, schema: { params: TokenParams, body: ReportReceipt, response: { 200: ReceiptState } } },
    async ({ params, peer, body }) => tokens.report(params.tokenId, peer.id, body),
  );

  app.get(
    '/v1/cards/:kind/:value/content-tokens',
    { config: { access: ['operator'] }, schema: { params: CardParams, response: { 200: ContentTokenList } } },
    async ({ params }) => tokens.onCard(cardIdOfParams(params)),
  );

  app.post(
    '/v1/cards/:kind/:value/content-tokens/end',
    {
      config: { access: ['operator'] },
      schema: { params: CardParams, body: EndTokens, response: { 200: EndedTokens } },
    },
    async ({ params, peer, body }) => tokens.end(cardIdOfParams(params), peer.id, body.reason),
  );
}
