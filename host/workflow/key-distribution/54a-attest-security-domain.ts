// SPDX-License-Identifier: Apache-2.0
import { CertificateError, PolicyError } from '../../errors.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { cardOf } from './41c-find-security-domain.ts';
import { type KnownCard, rowOfVisit } from './54-select-security-domain.ts';
import { prepareProviderChannel } from './55-open-provider-channel.ts';
import { attestationScript, isOwnPair, ownKeys } from './attestation.ts';
import { certifiesOwnPair } from './own-certificate.ts';
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
 * @throws LifeCycleError `domain-keys`
 * @throws PolicyError `attestation-required` for a pair of which the issuer alone has told, and no CASD
 */
export async function* attestSecurityDomain(facts: KnownCard, context: ProviderContext) {
  const row = await rowOfVisit(facts, context);
  const { keyReference, publicKey } = row;
  if (facts.casdCertificate !== undefined) await prepareProviderChannel(row, context);
  const attestation = await attestationScript({ ...facts, ...row.attestedCard }, context);
  if (attestation.commands.length === 0) {
    await requireKnownPair(row, facts, context);
    return { isolation: 'honest-issuer', ownPair: false } satisfies Trusted as Trusted;
  }
  const responses: readonly CardResponse[] = yield attestation.commands;
  const found = await attestation.read(responses, { keyReference, publicKey });
  if (found.state === 'ours') {
    const trusted: Trusted = {
      isolation: 'attested',
      ownPair: isOwnPair(found.facts),
      attestedCard: cardOf(found.facts),
    };
    return trusted;
  }
  if (found.state === 'own-keys') throw ownKeys(found.reason);
  throw new CertificateError(`attestation-${found.state === 'other' ? 'content' : 'withheld'}`, found.reason);
}

/**
 * Nobody vouches for the pair now: it must have been attested before, or certified by us, or the owner of our CA has
 * said that the issuer's word will do. EXTERNAL AUTHENTICATE does not name whom it is for (GPCS Table F-7): whoever has
 * the private half of a false pair opens another domain of ours with what we sign, on whichever card.
 */
async function requireKnownPair(row: SecurityDomainRow, facts: KnownCard, context: ProviderContext): Promise<void> {
  if (row.attestedCard !== undefined) return;
  const certificate = row.certificate ?? facts.foundCertificate;
  if (certificate !== undefined && certifiesOwnPair(certificate, row.publicKey, facts.cardId, context.settings)) return;
  if ((await context.kms.certificateAuthority()).certifiesWithoutAttestation) return;
  throw new PolicyError(
    'attestation-required',
    'The card shows no CASD now, and only the issuer has told of the key pair of its SSD: no channel is opened. ' +
      'Try again with the card in another terminal',
  );
}
