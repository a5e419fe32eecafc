// SPDX-License-Identifier: Apache-2.0
import { type KnownCard, rowOfVisit } from './54-select-security-domain.ts';
import type { OwnKeyClaim } from './57a-attest-own-key-pair.ts';
import { holderReferenceOf } from './own-certificate.ts';
import { auditSecurityDomain, type ProviderContext } from './provider-context.ts';

/**
 * Step 58: the provider's CA certifies the SSD's new public key: CERT.SD.AUT. Not without 57a where there is a CASD.
 */
export async function issueCertificate(facts: KnownCard & OwnKeyClaim, context: ProviderContext) {
  const { publicKey, ssdAid } = await rowOfVisit(facts, context);
  const holderReference = holderReferenceOf(facts.cardId, ssdAid);
  const audit = {
    numeral: '58',
    act: 'issue CERT.SD.AUT',
    details: { holderReference, attested: facts.claim !== undefined },
  };
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  const { certificate } = await context.kms.issueSecurityDomainCertificate({
    holderReference,
    publicKey,
    ...(facts.claim === undefined ? { withoutAttestation: true } : { claim: facts.claim }),
  });
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return { certificate };
}
