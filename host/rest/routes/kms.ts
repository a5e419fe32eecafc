import { Type } from 'typebox';
import type { KeyService } from '../../service/kms/key-service.ts';
import {
  AttestationChallenge,
  AttestationClaim,
  AttestationFacts,
  AuthenticateSecureChannel,
  CardCertificate,
  CertificateAuthorityInfo,
  CreateKeyPair,
  IssueOffCardEntityCertificate,
  IssueSecurityDomainCertificate,
  KeyPairInfo,
  OpenSecureChannel,
  PlainResponses,
  SecureChannelScript,
  UnwrapResponses,
  WrapCommands,
} from '../../wire/message/kms.ts';
import type { Access, Peer } from '../identity.ts';
import type { RestApp } from '../server.ts';

const ChannelParams = Type.Object({ id: Type.String({ pattern: '^[0-9A-F]{32}$' }) }, { additionalProperties: false });
const Nothing = Type.Object({}, { additionalProperties: false });

/** All of the KMS is for its owner alone. */
export function kmsRoutes(app: RestApp, service: KeyService, owner: Peer): void {
  const config = { access: [`${owner.role}:${owner.id}`] as readonly Access[] };

  app.get('/v1/certificate-authority', { config, schema: { response: { 200: CertificateAuthorityInfo } } }, async () =>
    service.certificateAuthority(),
  );

  app.post(
    '/v1/key-pairs',
    { config, schema: { body: CreateKeyPair, response: { 200: KeyPairInfo } } },
    async ({ body }) => service.createKeyPair(body),
  );

  app.post(
    '/v1/certificate-authority/off-card-entity-certificates',
    { config, schema: { body: IssueOffCardEntityCertificate, response: { 200: CardCertificate } } },
    async ({ body }) => service.issueOffCardEntityCertificate(body),
  );

  app.post(
    '/v1/certificate-authority/security-domain-certificates',
    { config, schema: { body: IssueSecurityDomainCertificate, response: { 200: CardCertificate } } },
    async ({ body }) => service.issueSecurityDomainCertificate(body),
  );

  app.post(
    '/v1/attestation-challenges',
    { config, schema: { body: Nothing, response: { 200: AttestationChallenge } } },
    async () => service.createAttestationChallenge(),
  );

  app.post(
    '/v1/attestations/verify',
    { config, schema: { body: AttestationClaim, response: { 200: AttestationFacts } } },
    async ({ body }) => service.verifyAttestation(body),
  );

  app.post(
    '/v1/secure-channels',
    { config, schema: { body: OpenSecureChannel, response: { 200: SecureChannelScript } } },
    async ({ body }) => service.openSecureChannel(body),
  );

  app.post(
    '/v1/secure-channels/:id/authenticate',
    {
      config,
      schema: { params: ChannelParams, body: AuthenticateSecureChannel, response: { 200: SecureChannelScript } },
    },
    async ({ params, body }) => service.authenticate(params.id, body),
  );

  app.post(
    '/v1/secure-channels/:id/wrap',
    { config, schema: { params: ChannelParams, body: WrapCommands, response: { 200: SecureChannelScript } } },
    async ({ params, body }) => service.wrap(params.id, body),
  );

  app.post(
    '/v1/secure-channels/:id/unwrap',
    { config, schema: { params: ChannelParams, body: UnwrapResponses, response: { 200: PlainResponses } } },
    async ({ params, body }) => service.unwrap(params.id, body),
  );

  app.delete('/v1/secure-channels/:id', { config, schema: { params: ChannelParams } }, async ({ params }, reply) => {
    await service.closeSecureChannel(params.id);
    return reply.code(204).send();
  });
}
