// SPDX-License-Identifier: Apache-2.0
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { AttestationClaim } from '../../wire/message/kms.ts';
import { type KnownCard, rowOfVisit } from './54-select-security-domain.ts';
import { challengeCard, claimOf } from './attestation.ts';
import type { ProviderContext } from './provider-context.ts';

/** What the CA wants to see before it certifies; absent where the card has no CASD. */
export interface OwnKeyClaim {
  readonly claim?: AttestationClaim;
}

/** Step 57a, ours: the CASD vouches for the new key, inside the session. The CA verifies it in 58. */
export async function* attestOwnKeyPair(facts: KnownCard, context: ProviderContext) {
  const challenge = await challengeCard(facts, context);
  const { casdCertificate } = facts;
  const nothing: OwnKeyClaim = {};
  if (challenge === undefined || casdCertificate === undefined) return nothing;
  const responses: readonly CardResponse[] = yield [toPlainCommand(challenge.command)];
  // 57 has been read before: the row holds the new key.
  const { keyReference, publicKey } = await rowOfVisit(facts, context);
  const attestation = responseData(challenge.command, responses[0]);
  const given = { challengeId: challenge.challengeId, attestation, key: { keyReference, publicKey } };
  const claimed: OwnKeyClaim = { claim: claimOf({ ...facts, casdCertificate }, given, context) };
  return claimed;
}
