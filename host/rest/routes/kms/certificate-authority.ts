// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import {
  CardCertificate,
  CertificateAuthorityInfo,
  IssueOffCardEntityCertificate,
  IssueSecurityDomainCertificate,
} from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import { type Access, peerUri } from '../../identity.ts';

/** The owner's CA. */
export function certificateAuthorityRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.get('/v1/certificate-authority', { config, schema: { response: { 200: CertificateAuthorityInfo } } }, async () =>
    service.certificateAuthority(),
  );

  app.post(
    '/v1/certificate-authority/off-card-entity-certificates',
    { config, schema: { body: IssueOffCardEntityCertificate, response: { 200: CardCertificate } } },
    async ({ body }) => service.issueOffCardEntityCertificate(body),
  );

  // A pair that no card attests is a card's on somebody's word: an operator's here, or the platform's where it may.
  app.post(
    '/v1/certificate-authority/security-domain-certificates',
    {
      config: { access: ['operator', ...access] },
      schema: { body: IssueSecurityDomainCertificate, response: { 200: CardCertificate } },
    },
    async ({ body, peer }) =>
      service.issueSecurityDomainCertificate(body, peer.role === 'operator' ? peerUri(peer) : undefined),
  );
}
