import type { CardIdentity } from '../../card/identity.ts';
import { CertificateError } from '../../errors.ts';
import { findSecurityDomainRow, putSecurityDomainRow } from '../../store/provider/security-domains.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import type { Reported } from './42-request-security-domain.ts';
import type { ProviderContext, ProviderStart } from './provider-context.ts';

/**
 * Step 53: the provider records the SSD in its database. A row that knows more already stays as it is.
 *
 * @throws CertificateError `casd-hidden` when the issuer says there is a CASD and the card did not show it
 */
export async function recordSecurityDomain(
  { cardId, report, casdCertificate }: ProviderStart & CardIdentity & Probe & Reported,
  context: ProviderContext,
) {
  if (report.casd !== undefined && casdCertificate === undefined) {
    throw new CertificateError('casd-hidden', 'The issuer reports a CASD, but the card or its link did not show it', {
      aid: report.casd.aid,
    });
  }
  const known = await findSecurityDomainRow(context.database, cardId);
  if (known === undefined) {
    const { ssdAid, isdAid, keyReference, publicKey } = report;
    await putSecurityDomainRow(context.database, {
      cardId,
      ssdAid,
      isdAid,
      state: 'reported',
      keyReference,
      publicKey,
    });
  }
  return {};
}
