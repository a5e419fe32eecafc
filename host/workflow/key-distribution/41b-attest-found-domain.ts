// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { type Probe, probe, refuseLocked } from './41a-probe-security-domain.ts';
import { type Attested, attestationScript } from './attestation.ts';
import type { ProviderContext } from './provider-context.ts';

/** What the CASD says of the SSD that 41a found. */
export interface FoundDomain {
  readonly found: Attested;
}

/**
 * Step 41b, ours: the CASD says what the SSD is that 41a found, with a fresh nonce. Our database and the answers of
 * 41a are compared with it: only what is attested removes a row of a domain that was ours. It must be the card that
 * the row was attested on, not only one with its ICCID.
 */
export async function* attestFoundDomain(facts: CardIdentity & Probe, context: ProviderContext) {
  const absent: FoundDomain = { found: { state: 'withheld', reason: 'no SSD was shown' } };
  if (!facts.ssdPresent) return absent;
  const row = await findSecurityDomainRow(context.database, facts.cardId);
  const script = await attestationScript({ ...facts, ...row?.attestedCard }, context);
  if (script.commands.length === 0) return { found: { state: 'withheld', reason: 'no CASD' } } satisfies FoundDomain;
  const responses: readonly CardResponse[] = yield [probe(context.settings.ssdAid), ...script.commands];
  refuseLocked(responses[0]);
  const result: FoundDomain = { found: await script.read(responses.slice(1)) };
  return result;
}
