// SPDX-License-Identifier: Apache-2.0
import { CertificateError } from '../../errors.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { cardOf } from './41c-find-security-domain.ts';
import { type KnownCard, rowOfVisit } from './54-select-security-domain.ts';
import { prepareProviderChannel } from './55-open-provider-channel.ts';
import { attestationScript, isOwnPair } from './attestation.ts';
import type { ProviderContext } from './provider-context.ts';

/** On what the isolation from the issuer rests (key-distribution.md section 6). */
export type Isolation = 'attested' | 'honest-issuer';

/** What is known of the SSD before its channel opens. */
export interface Trusted {
  readonly isolation: Isolation;
  /** The CASD says that the live pair was made in the owner's own session: 56 is done. */
  readonly ownPair: boolean;
  /** The card that the CASD named. */
  readonly attestedCard?: { readonly iin: string; readonly cin: string };
}

/**
 * Step 54a, ours: the CASD vouches for the SSD's key, owner, trust points and key list with a fresh nonce, before 55
 * goes on. On a card without CASD the flow runs as in the source, and says so.
 *
 * @throws CertificateError `attestation-withheld`; `attestation-content` when the SSD is not what it must be
 */
export async function* attestSecurityDomain(facts: KnownCard, context: ProviderContext) {
  const row = await rowOfVisit(facts, context);
  const { keyReference, publicKey } = row;
  if (facts.casdCertificate !== undefined) await prepareProviderChannel(row, context);
  const attestation = await attestationScript({ ...facts, ...row.attestedCard }, context);
  if (attestation.commands.length === 0) {
    return { isolation: 'honest-issuer', ownPair: false } satisfies Trusted as Trusted;
  }
  const responses: readonly CardResponse[] = yield attestation.commands;
  const found = await attestation.read(responses, { keyReference, publicKey });
  if (found.state === 'ours') {
    const trusted: Trusted = {
      ...{ isolation: 'attested', ownPair: isOwnPair(found.facts), attestedCard: cardOf(found.facts) },
    };
    return trusted;
  }
  throw new CertificateError(`attestation-${found.state === 'other' ? 'content' : 'withheld'}`, found.reason);
}
