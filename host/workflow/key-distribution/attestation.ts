// SPDX-License-Identifier: Apache-2.0
import { CertificateError, LifeCycleError, PeerError } from '../../errors.ts';
import { type GpCommand, ifPresent, responseData } from '../../wire/gp/command.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type { AttestationClaim, AttestationFacts } from '../../wire/message/kms.ts';
import type { ProviderContext } from './provider-context.ts';

/** Attestation of the SSD by the CASD (key-distribution.md section 6). */

export interface AttestedKey {
  readonly keyReference: string;
  readonly publicKey: RsaPublicKey;
}

interface AttestedCard {
  readonly casdCertificate?: string;
  readonly iin?: string;
  readonly cin?: string;
}

/**
 * What the SSD was found to be. `ours`: our trust point and provider id, the live pair, and no other key.
 * `own-keys`: the same with a pair of its owner's making, and further keys that its owner, who is us, put there.
 * `other`: the CASD says that it is something else. `withheld`: it attests nothing, and nobody vouches for that.
 */
export type Attested =
  | { readonly state: 'ours'; readonly facts: AttestationFacts }
  | { readonly state: 'own-keys'; readonly reason: string }
  | { readonly state: 'other'; readonly reason: string }
  | { readonly state: 'withheld'; readonly reason: string };

/** True for a pair that only our own AUTHENTICATED session can have made: 56 is done. */
export function isOwnPair({ owned, maker, keyReference }: AttestationFacts): boolean {
  return owned && maker === 'owner' && keyReference === keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);
}

/** A challenge and the command that answers it; nothing where the card has no CASD. */
export async function challengeCard(
  facts: AttestedCard,
  context: ProviderContext,
): Promise<{ readonly challengeId: string; readonly command: GpCommand } | undefined> {
  if (facts.casdCertificate === undefined) return undefined;
  const { channel, kms, workflowId } = context;
  const { challengeId, nonce } =
    channel.takeChallenge() ?? (await kms.createAttestationChallenge({ flow: workflowId }));
  return { challengeId, command: getAttestation(fromHex(nonce, 16)) };
}

/** What the attestation must say, with the bytes that the card gave. Without `key` any live pair will do. */
export function claimOf(
  facts: AttestedCard & { readonly casdCertificate: string },
  given: { readonly challengeId: string; readonly attestation: Uint8Array; readonly key?: AttestedKey },
  { settings }: ProviderContext,
): AttestationClaim {
  const { ssdAid: aid, trustPoint, applicationProviderId } = settings;
  return {
    challengeId: given.challengeId,
    attestation: toHex(given.attestation),
    casdCertificate: facts.casdCertificate,
    expected: {
      aid,
      trustPoint,
      applicationProviderId,
      ...given.key,
      ...(facts.iin === undefined ? {} : { iin: facts.iin }),
      ...(facts.cin === undefined ? {} : { cin: facts.cin }),
    },
  };
}

/** Commands of an attestation in clear and the check of their answer; no commands where the card has no CASD. */
export async function attestationScript(facts: AttestedCard, context: ProviderContext) {
  const challenge = await challengeCard(facts, context);
  const { casdCertificate } = facts;
  // No pair of its own making, no trust point, no CASD, no such SSD: each is refused in its way.
  const commands: CardCommand[] = challenge === undefined ? [] : [ifPresent(challenge.command)];
  /** @throws CertificateError or PeerError of the KMS when nobody who may says so */
  const read = async (responses: readonly CardResponse[], key?: AttestedKey): Promise<Attested> => {
    const [response] = responses;
    if (challenge === undefined || casdCertificate === undefined) return { state: 'withheld', reason: 'no CASD' };
    if (response?.sw !== '9000') return { state: 'withheld', reason: `GET ATTESTATION answered ${response?.sw}` };
    const attestation = responseData(challenge.command, response);
    const given = { challengeId: challenge.challengeId, attestation, ...(key === undefined ? {} : { key }) };
    try {
      const found = await context.kms.verifyAttestation(claimOf({ ...facts, casdCertificate }, given, context));
      return { state: 'ours', facts: found };
    } catch (error) {
      if (hasCode(error, 'attestation-own-keys')) return { state: 'own-keys', reason: error.message };
      // Maker, CASD, card and nonce are right: the CASD itself says that the domain is not what it must be.
      if (hasCode(error, 'attestation-content')) return { state: 'other', reason: error.message };
      throw error;
    }
  };
  return { commands, read };
}

/** The KMS's own word, or that of a KMS behind a line. */
function hasCode(error: unknown, code: string): error is CertificateError | PeerError {
  return (error instanceof CertificateError || error instanceof PeerError) && error.code === code;
}

export const ownKeys = (reason: string): LifeCycleError =>
  new LifeCycleError(
    'domain-keys',
    `${reason}. Delete them in a session of yours, or have the domain deleted: with other keys inside nothing ` +
      'vouches for what is in it',
  );
