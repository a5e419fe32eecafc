// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { CertificateError } from '../../errors.ts';
import { recordDelegated, recordReported } from '../../store/provider/security-domains.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import type { Decision } from './41c-find-security-domain.ts';
import type { Reported } from './42-request-security-domain.ts';
import type { ProviderContext, ProviderStart } from './provider-context.ts';

/**
 * Step 53: the provider records the SSD in its database. The row of a domain that was ours stays until the CASD says
 * that another one stands in its place (54).
 *
 * @throws CertificateError `casd-hidden` when the issuer says there is a CASD and the card did not show it;
 *   `report-key-reference` when it reports another pair than the first
 */
export async function recordSecurityDomain(
  { cardId, report, casdCertificate, askIssuer }: ProviderStart & CardIdentity & Probe & Decision & Reported,
  context: ProviderContext,
) {
  if (report.casd !== undefined && casdCertificate === undefined) {
    throw new CertificateError('casd-hidden', 'The issuer reports a CASD, but the card or its link did not show it', {
      aid: report.casd.aid,
    });
  }
  if (!askIssuer) return {};
  const { ssdAid, isdAid, keyReference, publicKey } = report;
  if (keyReference !== keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR)) {
    throw new CertificateError('report-key-reference', 'The issuer reports a pair that is not the first one', {
      keyReference,
    });
  }
  const { delegated = false } = report;
  const recorded = await recordReported(context.database, { cardId, ssdAid, isdAid, keyReference, publicKey });
  if (recorded && delegated) await recordDelegated(context.database, cardId);
  return {};
}
