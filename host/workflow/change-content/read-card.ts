// SPDX-License-Identifier: Apache-2.0
import { readIccid as readIccidOfCard } from '../key-distribution/41-read-iccid.ts';
import { probeSecurityDomain as probeOnCard } from '../key-distribution/41a-probe-security-domain.ts';
import type { ChangeContext, ChangeStart } from './context.ts';

/**
 * C1, C1a: what the flow around has read of the card counts here too, as long as the card was not put in anew: its link
 * asks again then. The domain is there, the flow around has seen to that.
 */

export async function* readIccid({ known }: ChangeStart, context: ChangeContext) {
  if (known === undefined) return yield* readIccidOfCard({}, context);
  const { cardId, insertion } = known;
  context.card.expectCard({ cardId, insertion });
  return { cardId, insertion };
}

export async function* probeSecurityDomain({ known }: ChangeStart, context: ChangeContext) {
  if (known === undefined) return yield* probeOnCard({}, context);
  const { casdCertificate } = known;
  return { ssdPresent: true, ...(casdCertificate === undefined ? {} : { casdCertificate }) };
}
