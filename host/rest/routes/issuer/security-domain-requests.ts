// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Applications } from '../../../service/issuer/applications.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import { SecurityDomainRequest, SecurityDomainRequestState } from '../../../wire/message/key-distribution.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const config = { access: ['provider'] as const };

const waitOf = (query: { readonly waitMs?: string; readonly afterStep?: string }) => ({
  waitMs: waitMsOf(query),
  ...(query.afterStep === undefined ? {} : { afterStep: Number(query.afterStep) }),
});

/** Step 42 and what a provider may ask about its own requests. */
export function securityDomainRequestRoutes(app: RestApp, applications: Applications): void {
  app.post(
    '/v1/security-domain-requests',
    {
      config,
      schema: {
        headers: IdempotencyHeaders,
        querystring: Type.Object(StepQuery, closed),
        body: SecurityDomainRequest,
        response: { 202: SecurityDomainRequestState },
      },
    },
    async (request, reply) => {
      const id = requestIdOfHeaders(request);
      const state = await applications.requestSecurityDomain(id, request.peer.id, request.body);
      const { query } = request;
      const waits = query.waitMs !== undefined && state.state === 'running';
      return reply.code(202).send(waits ? await applications.state(id, request.peer.id, waitOf(query)) : state);
    },
  );

  app.get(
    '/v1/security-domain-requests/:id',
    {
      config,
      schema: {
        params: IdParams,
        querystring: Type.Object(StepQuery, closed),
        response: { 200: SecurityDomainRequestState },
      },
    },
    async ({ params, peer, query }) => applications.state(params.id, peer.id, waitOf(query)),
  );

  app.post(
    '/v1/security-domain-requests/:id/cancel',
    { config, schema: { params: IdParams, response: { 200: SecurityDomainRequestState } } },
    async (request) => applications.cancel(request.params.id, request.peer.id),
  );
}
