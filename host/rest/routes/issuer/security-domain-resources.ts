// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { SecurityDomainResources } from '../../../service/issuer/security-domain-resources.ts';
import {
  ApduExchange,
  ApduExchangeResult,
  CreateSecurityDomain,
  KeyBlob,
  SecurityDomainParams,
  SecurityDomainResource,
} from '../../../wire/message/security-domain-resource.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, WaitQuery, waitMsOf } from '../../idempotency-key.ts';

const config = { access: ['provider'] as const };
const BASE = '/ext/1/security-domains';
const params = SecurityDomainParams;

/** Security domains for TSMs of others: each sees its own, by its client certificate. */
export function securityDomainResourceRoutes(app: RestApp, domains: SecurityDomainResources): void {
  app.post(
    BASE,
    {
      config,
      schema: { headers: IdempotencyHeaders, body: CreateSecurityDomain, response: { 202: SecurityDomainResource } },
    },
    async (request, reply) => {
      const id = requestIdOfHeaders(request);
      const domain = await domains.create(id, request.peer.id, request.body);
      return reply
        .code(202)
        .header('location', `${BASE}/${encodeURIComponent(id)}`)
        .send(domain);
    },
  );

  app.get(
    `${BASE}/:id`,
    {
      config,
      schema: {
        params,
        querystring: Type.Object(WaitQuery, { additionalProperties: false }),
        response: { 200: SecurityDomainResource },
      },
    },
    async ({ params: { id }, peer, query }) => domains.get(id, peer.id, waitMsOf(query)),
  );

  app.delete(
    `${BASE}/:id`,
    { config, schema: { params, response: { 202: SecurityDomainResource } } },
    async (request, reply) => reply.code(202).send(await domains.remove(request.params.id, request.peer.id)),
  );

  app.post(
    `${BASE}/:id/apdu-exchanges`,
    { config, schema: { params, body: ApduExchange, response: { 200: ApduExchangeResult } } },
    async ({ params: { id }, peer, body }) => domains.exchange(id, peer.id, body),
  );

  app.get(`${BASE}/:id/key-blob`, { config, schema: { params, response: { 200: KeyBlob } } }, async (request) =>
    domains.keyBlob(request.params.id, request.peer.id),
  );

  app.post(
    `${BASE}/:id/rotation-confirmations`,
    { config, schema: { params, response: { 200: SecurityDomainResource } } },
    async (request) => domains.confirmRotation(request.params.id, request.peer.id),
  );
}
