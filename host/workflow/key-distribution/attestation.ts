import { type GpCommand, responseData, toCardCommand } from '../../wire/gp/command.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type { AttestationClaim } from '../../wire/message/kms.ts';
import type { ProviderContext } from './provider-context.ts';

/** Attestation of the SSD's key by the CASD (key-distribution.md section 6). */

export interface AttestedKey {
  readonly keyReference: string;
  readonly publicKey: RsaPublicKey;
}

interface AttestedCard {
  readonly casdCertificate?: string;
  readonly iin?: string;
  readonly cin?: string;
}

/** A challenge and the command that answers it; nothing where the card has no CASD. */
export async function challengeCard(
  facts: AttestedCard,
  context: ProviderContext,
): Promise<{ readonly challengeId: string; readonly command: GpCommand } | undefined> {
  if (facts.casdCertificate === undefined) return undefined;
  const { challengeId, nonce } = await context.kms.createAttestationChallenge();
  return { challengeId, command: getAttestation(fromHex(nonce, 16)) };
}

/** What the attestation must say, with the bytes that the card gave. */
export function claimOf(
  facts: AttestedCard & { readonly casdCertificate: string },
  given: { readonly challengeId: string; readonly attestation: Uint8Array; readonly key: AttestedKey },
  { settings }: ProviderContext,
): AttestationClaim {
  return {
    challengeId: given.challengeId,
    attestation: toHex(given.attestation),
    casdCertificate: facts.casdCertificate,
    expected: {
      aid: settings.ssdAid,
      ...given.key,
      trustPoint: settings.trustPoint.publicKey,
      ...(facts.iin === undefined ? {} : { iin: facts.iin }),
      ...(facts.cin === undefined ? {} : { cin: facts.cin }),
    },
  };
}

/** Commands of an attestation in clear and the check of their answer. */
export async function attestationScript(facts: AttestedCard, context: ProviderContext) {
  const challenge = await challengeCard(facts, context);
  const { casdCertificate } = facts;
  const commands: CardCommand[] = challenge === undefined ? [] : [toCardCommand(challenge.command)];
  /** @throws CertificateError or PeerError of the KMS when the attestation does not say what it must */
  const verify = async (responses: readonly CardResponse[], key: AttestedKey): Promise<void> => {
    if (challenge === undefined || casdCertificate === undefined) return;
    const attestation = responseData(challenge.command, responses[0]);
    const { challengeId } = challenge;
    await context.kms.verifyAttestation(
      claimOf({ ...facts, casdCertificate }, { challengeId, attestation, key }, context),
    );
  };
  return { commands, verify };
}
