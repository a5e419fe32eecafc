import { Type } from 'typebox';
import type { KeyDistributions } from '../../service/provider/key-distributions.ts';
import type { Relays } from '../../service/provider/relays.ts';
import type { SecurityDomains } from '../../service/provider/security-domains.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { ExchangeResult } from '../../wire/message/card-script.ts';
import { IdempotencyKey } from '../../wire/message/common.ts';
import {
  KeyDistributionState,
  RelayExchange,
  SecurityDomainRow,
  StartKeyDistribution,
} from '../../wire/message/key-distribution.ts';
import { idempotencyKeyOf, StepQuery, waitMsOf } from '../idempotency-key.ts';
import type { RestApp } from '../server.ts';
import { type FlowService, flowRoutes } from './flows.ts';
import { AuditRecords, CardParams, cardIdOfParams } from './operator.ts';

export interface ProviderServices {
  readonly keyDistributions: KeyDistributions;
  readonly relays: Relays;
  readonly securityDomains: SecurityDomains;
  readonly auditLog: AuditLog;
  readonly failures: AuthenticationFailures;
  readonly flows: FlowService;
  readonly ssdAid: string;
}

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const RelayParams = Type.Object({ relayId: IdempotencyKey }, closed);
const StateQuery = Type.Object(StepQuery, closed);

const issuer = { access: ['issuer'] as const };
const operator = { access: ['operator'] as const };

/** The issuer's relay, and the subsystems for the provider's operators. */
export function providerRoutes(app: RestApp, services: ProviderServices): void {
  flowRoutes(app, services.flows, operator.access);
  app.post(
    '/v1/key-distributions',
    { config: operator, schema: { body: StartKeyDistribution, response: { 202: KeyDistributionState } } },
    async (request, reply) => {
      const key = idempotencyKeyOf(request);
      return reply.code(202).send(await services.keyDistributions.start(key, request.peer.id, request.body));
    },
  );

  app.get(
    '/v1/key-distributions/:id',
    {
      config: operator,
      schema: { params: IdParams, querystring: StateQuery, response: { 200: KeyDistributionState } },
    },
    async (request) =>
      services.keyDistributions.state(request.params.id, {
        waitMs: waitMsOf(request.query),
        afterStep: Number(request.query.afterStep ?? 0),
      }),
  );

  app.post(
    '/v1/card-relays/:relayId/exchange',
    { config: issuer, schema: { params: RelayParams, body: RelayExchange, response: { 200: ExchangeResult } } },
    async (request) => services.relays.exchange(request.params.relayId, request.peer.id, request.body.commands),
  );

  app.get(
    '/v1/security-domains',
    { config: operator, schema: { response: { 200: Type.Array(SecurityDomainRow) } } },
    async () => services.securityDomains.list(),
  );

  app.delete(
    '/v1/security-domains/:kind/:value',
    { config: operator, schema: { params: CardParams } },
    async (request, reply) => {
      await services.securityDomains.forget(cardIdOfParams(request.params), request.peer.id);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/v1/authentication-failures/:kind/:value',
    { config: operator, schema: { params: CardParams } },
    async (request, reply) => {
      await services.failures.succeeded(cardIdText(cardIdOfParams(request.params)), services.ssdAid);
      return reply.code(204).send();
    },
  );

  app.get('/v1/audit-records', { config: operator, schema: { response: { 200: AuditRecords } } }, async () =>
    services.auditLog.records(),
  );
}
