import { Type } from 'typebox';
import type { Applications } from '../../service/issuer/applications.ts';
import type { Cards } from '../../service/issuer/cards.ts';
import type { Certificates } from '../../service/issuer/certificates.ts';
import type { Keys } from '../../service/issuer/keys.ts';
import type { Providers } from '../../service/issuer/providers.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { PERMISSIONS } from '../../store/issuer/providers.ts';
import {
  Aid,
  CardId,
  Hex,
  HolderReference,
  IdempotencyKey,
  KeyReference,
  Name,
  RsaPublicKey,
} from '../../wire/message/common.ts';
import { SecurityDomainRequest, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import { CardCertificate, CertificateAuthorityInfo } from '../../wire/message/kms.ts';
import { idempotencyKeyOf, StepQuery, waitMsOf } from '../idempotency-key.ts';
import type { RestApp } from '../server.ts';
import { type FlowService, flowRoutes } from './flows.ts';
import { AuditRecords, CardParams, cardIdOfParams } from './operator.ts';

export interface IssuerServices {
  readonly applications: Applications;
  readonly cards: Cards;
  readonly certificates: Certificates;
  readonly keys: Keys;
  readonly providers: Providers;
  readonly auditLog: AuditLog;
  readonly failures: AuthenticationFailures;
  readonly flows: FlowService;
}

const closed = { additionalProperties: false } as const;
const IdParams = Type.Object({ id: IdempotencyKey }, closed);
const ProviderParams = Type.Object({ providerId: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }) }, closed);
const BaseUrl = Type.String({ pattern: '^https://[^\\s/?#]+$', maxLength: 300 });
const ProviderBody = Type.Object(
  {
    baseUrl: BaseUrl,
    permissions: Type.Array(Type.Union(PERMISSIONS.map((name) => Type.Literal(name))), { maxItems: 16 }),
  },
  closed,
);
const CardBody = Type.Object(
  {
    cardId: CardId,
    isdAid: Aid,
    isdKeyReference: KeyReference,
    isdPublicKey: RsaPublicKey,
    casdAid: Type.Optional(Aid),
  },
  closed,
);
const IsdCertificateBody = Type.Object({ holderReference: HolderReference, publicKey: RsaPublicKey }, closed);
const OffCardEntityCertificate = Type.Object({ certificate: Hex }, closed);
const ApplicationList = Type.Array(Type.Object({ aid: Aid, providerId: Name, state: Name }, closed));

const provider = { access: ['provider'] as const };
const operator = { access: ['operator'] as const };

/** Requests of providers, and the five subsystems for the issuer's operators. */
export function issuerRoutes(app: RestApp, services: IssuerServices): void {
  providerRoutes(app, services);
  flowRoutes(app, services.flows, operator.access);
  operatorRoutes(app, services);
}

/** Step 42 and what a provider may ask about its own requests. */
function providerRoutes(app: RestApp, services: IssuerServices): void {
  app.post(
    '/v1/security-domain-requests',
    { config: provider, schema: { body: SecurityDomainRequest, response: { 202: SecurityDomainRequestState } } },
    async (request, reply) => {
      const key = idempotencyKeyOf(request);
      return reply.code(202).send(await services.applications.request(key, request.peer.id, request.body));
    },
  );

  app.get(
    '/v1/security-domain-requests/:id',
    {
      config: provider,
      schema: {
        params: IdParams,
        querystring: Type.Object(StepQuery, closed),
        response: { 200: SecurityDomainRequestState },
      },
    },
    async ({ params, peer, query }) =>
      services.applications.state(params.id, peer.id, {
        waitMs: waitMsOf(query),
        ...(query.afterStep === undefined ? {} : { afterStep: Number(query.afterStep) }),
      }),
  );

  app.post(
    '/v1/security-domain-requests/:id/cancel',
    { config: provider, schema: { params: IdParams, response: { 200: SecurityDomainRequestState } } },
    async (request) => services.applications.cancel(request.params.id, request.peer.id),
  );
}

/** Providers, cards, certificates and records. */
function operatorRoutes(app: RestApp, services: IssuerServices): void {
  app.put(
    '/v1/providers/:providerId',
    { config: operator, schema: { params: ProviderParams, body: ProviderBody } },
    async (request, reply) => {
      await services.providers.put({ providerId: request.params.providerId, ...request.body });
      return reply.code(204).send();
    },
  );

  app.put('/v1/cards', { config: operator, schema: { body: CardBody } }, async (request, reply) => {
    await services.cards.put(request.body);
    return reply.code(204).send();
  });

  app.get(
    '/v1/cards/:kind/:value/applications',
    { config: operator, schema: { params: CardParams, response: { 200: ApplicationList } } },
    async (request) => services.applications.onCard(cardIdOfParams(request.params)),
  );

  app.delete(
    '/v1/authentication-failures/:kind/:value',
    { config: operator, schema: { params: CardParams } },
    async (request, reply) => {
      await services.failures.succeeded(cardIdText(cardIdOfParams(request.params)), 'ISD');
      return reply.code(204).send();
    },
  );

  app.get(
    '/v1/certificate-authority',
    { config: operator, schema: { response: { 200: CertificateAuthorityInfo } } },
    async () => services.certificates.authority(),
  );

  app.post(
    '/v1/security-domain-certificates',
    { config: operator, schema: { body: IsdCertificateBody, response: { 201: CardCertificate } } },
    async (request, reply) =>
      reply.code(201).send(await services.certificates.issueForIsd(request.body, request.peer.id)),
  );

  app.get(
    '/v1/off-card-entity-certificate',
    { config: operator, schema: { response: { 200: OffCardEntityCertificate } } },
    async () => ({ certificate: services.keys.offCardEntityCertificate }),
  );

  app.get('/v1/audit-records', { config: operator, schema: { response: { 200: AuditRecords } } }, async () =>
    services.auditLog.records(),
  );
}
