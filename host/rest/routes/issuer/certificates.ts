// SPDX-License-Identifier: Apache-2.0
import type { Certificates } from '../../../service/issuer/certificates.ts';
import type { Keys } from '../../../service/issuer/keys.ts';
import { CardCertificate, CertificateAuthorityInfo } from '../../../wire/message/kms.ts';
import { IsdCertificateRequest, OffCardEntityCertificate } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';

const config = { access: ['operator'] as const };

/** Certificate and key management: what card makers need. */
export function certificateRoutes(app: RestApp, certificates: Certificates, keys: Keys): void {
  app.get('/v1/certificate-authority', { config, schema: { response: { 200: CertificateAuthorityInfo } } }, async () =>
    certificates.authority(),
  );

  app.post(
    '/v1/security-domain-certificates',
    { config, schema: { body: IsdCertificateRequest, response: { 201: CardCertificate } } },
    async (request, reply) => reply.code(201).send(await certificates.issueForIsd(request.body, request.peer.id)),
  );

  app.get(
    '/v1/off-card-entity-certificate',
    { config, schema: { response: { 200: OffCardEntityCertificate } } },
    async () => ({ certificate: keys.offCardEntityCertificate }),
  );
}
