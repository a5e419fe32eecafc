// SPDX-License-Identifier: Apache-2.0
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import {
  HandChannel,
  IssuerHand,
  type IssuerSecrets,
  type SendToCard,
  type Victim,
} from '../../lab/properties/issuer-hand.ts';
import { runScript } from '../../transport/script-runner.ts';
import { aid } from '../../wire/gp/aid.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { decodePublicKey, generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { KEY_REFERENCE, keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putCertificate, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { fromHex } from '../../wire/hex.ts';
import {
  channelOf,
  type InProcess,
  ISSUER_AUTHORITY,
  PROVIDER_HOLDER,
  type Seat,
  SSD_AID,
} from '../flow/in-process.ts';

/** The issuer of the platforms in this process, with its keys in its own hand. */

type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

export async function secretsOf(lab: InProcess): Promise<IssuerSecrets> {
  const { keys, settings } = lab.issuer;
  return {
    offCardEntity: await keys.signer(settings.offCardEntityLabel, 'off-card-entity'),
    certificate: fromHex(settings.offCardEntityCertificate),
    authority: await keys.signer('certificate-authority', 'certificate-authority'),
    authorityReference: fromHex(ISSUER_AUTHORITY),
  };
}

export async function victimOf(lab: InProcess, { made }: Pick<Seated, 'made'>): Promise<Victim> {
  const { holderReference, publicKey } = await lab.provider.kms.certificateAuthority();
  return {
    isd: {
      aid: aid(made.isdAid),
      publicKey: fromRsaPublicKey(made.isdPublicKey),
      keyReference: keyReferenceFromHex(made.isdKeyReference),
    },
    ssd: aid(SSD_AID),
    applicationProviderId: fromHex(PROVIDER_HOLDER),
    trustPoint: { publicKey: fromRsaPublicKey(publicKey), holderReference: fromHex(holderReference) },
  };
}

/** With the card in its hand, past every platform; whoever has a session with the card loses it. */
export async function handOn(lab: InProcess, seated: Seated): Promise<IssuerHand> {
  return new IssuerHand(sendTo(seated.seat), await secretsOf(lab), await victimOf(lab, seated));
}

export const sendTo =
  (seat: Seat): SendToCard =>
  async (commands) => {
    const responses = [];
    for (const command of commands) {
      const outcome = await runScript(channelOf(seat), [command]);
      if (outcome.failure !== undefined) throw outcome.failure;
      responses.push(...outcome.responses);
    }
    return responses;
  };

/**
 * An SSD under the provider's AID that belongs to the issuer: its trust point, a pair that it made, and its
 * certificate.
 */
export async function takeForIssuer(hand: IssuerHand): Promise<void> {
  const { secrets, victim } = hand;
  const made = await hand.throughIsd(hand.install());
  const first = await hand.generate(generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024));
  const trustPoint = putPublicKeyExtended(
    KEY_REFERENCE.TRUST_POINT,
    secrets.authority.publicKey,
    secrets.authorityReference,
  );
  const put = await hand.personalize(trustPoint);
  if (first === undefined || [...made, ...put].some((sw) => sw !== '9000')) throw new Error('the issuer has no SSD');
  const certificate = await hand.certificateFor(victim.applicationProviderId);
  const channel = await hand.openDomain(fromRsaPublicKey(first), KEY_REFERENCE.INITIAL_KEY_PAIR, [certificate]);
  if (!(channel instanceof HandChannel)) throw new Error(`the issuer does not get in: ${channel}`);
  const own = await channel.send(generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024));
  const content = {
    serial: Uint8Array.of(1),
    authorityReference: secrets.authorityReference,
    holderReference: new Uint8Array(16).fill(0x53),
    holderAuthorization: CHA.SECURITY_DOMAIN,
    publicKey: decodePublicKey(fromHex(own.data, 1024)),
  };
  const stored = await channel.send(
    putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, await issueCardCertificate(content, secrets.authority)),
  );
  if (stored.sw !== '9000') throw new Error(`the SSD takes no certificate: ${stored.sw}`);
}
