// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { SimulatedCard } from '../../../simulator/src/index.ts';
import type { TrustAnchor } from '../../crypto/card-certificate.ts';
import { CertificateError, InvariantError } from '../../errors.ts';
import { verifyAttestation } from '../../kms/attestation.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { AID, aid } from '../../wire/gp/aid.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { answersAs } from '../../wire/gp/fci.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { KEY_REFERENCE, keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { toHex } from '../../wire/hex.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type { AttestationFacts } from '../../wire/message/kms.ts';
import type { MadeCard } from '../card-maker.ts';
import { AttackedCard } from './attacked-card.ts';
import { HandChannel, IssuerHand, type IssuerSecrets, type SendToCard, type Victim } from './issuer-hand.ts';
import { waysIn } from './issuer-is-out.ts';
import { type IssuerMove, issuerMoves } from './issuer-moves.ts';
import type { Loot } from './loot.ts';
import type { Property } from './property.ts';

/** New cards, outside of any reader, on which the issuer cheats before the provider comes. */
export interface Range {
  readonly card: () => Promise<{ readonly made: MadeCard; readonly card: SimulatedCard }>;
  readonly makers: readonly TrustAnchor[];
}

/**
 * Each move of an issuer that cheats, as APDUs: after it the provider, by hand, finds the domain not to be its own, or
 * takes it over, and then nothing of the issuer's gets in.
 */
export async function tryActiveIssuer(
  property: Property,
  range: Range,
  known: { readonly issuer: Loot; readonly provider: Loot },
): Promise<void> {
  for (const move of issuerMoves) {
    const { made, card } = await range.card();
    try {
      const attacked = new AttackedCard(card);
      const victim = victimOf(made, known.provider);
      const send: SendToCard = (commands) => attacked.sendOn(commands);
      const hand = new IssuerHand(send, secretsOf(known.issuer), victim);
      const provider = new IssuerHand(send, secretsOf(known.provider), victim);
      property.attempt(move.name, await faultOf(move, hand, provider, range.makers));
    } finally {
      await card.remove();
    }
  }
}

/** What an issuer has whose database and KMS are in one's hand. */
export const secretsOf = ({ offCardEntity, certificate, authority }: Loot): IssuerSecrets => ({
  offCardEntity,
  certificate,
  authority,
  authorityReference: decodeCertificate(certificate).authorityReference,
});

/** The development provider `a` on this card. */
export function victimOf(made: MadeCard, provider: Loot): Victim {
  const { authorityReference, holderReference } = decodeCertificate(provider.certificate);
  return {
    isd: {
      aid: aid(made.isdAid),
      publicKey: fromRsaPublicKey(made.isdPublicKey),
      keyReference: keyReferenceFromHex(made.isdKeyReference),
    },
    ssd: aid(developmentSsdAid('a')),
    applicationProviderId: holderReference,
    trustPoint: { publicKey: provider.authority.publicKey, holderReference: authorityReference },
  };
}

/** What is wrong after the move; undefined when it gained the issuer nothing. */
async function faultOf(move: IssuerMove, hand: IssuerHand, provider: IssuerHand, makers: readonly TrustAnchor[]) {
  const { trustPoint } = hand.victim;
  await hand.throughIsd(hand.install());
  const first = await hand.generate(generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024));
  await hand.personalize(
    putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, trustPoint.publicKey, trustPoint.holderReference),
  );
  if (first === undefined) throw new InvariantError('attack-setting', 'The issuer cannot make the first pair');
  const played = await move.play(hand);
  if (played.broken !== undefined) return played.broken;
  const own = await takeOver(provider, makers, played.initialKey ?? first);
  if (own === undefined) return move.outcome === 'refused' ? undefined : 'the provider does not get its domain';
  if (move.outcome === 'refused') return 'the provider took the domain for its own';
  const ways = await waysIn(hand, fromRsaPublicKey(own.publicKey));
  return ways.length === 0 ? undefined : ways.join(', ');
}

/** 54 to 57a by hand. Undefined when the attestation does not show the provider's domain. */
async function takeOver(provider: IssuerHand, makers: readonly TrustAnchor[], reported: RsaPublicKey) {
  const found = await attested(provider, makers);
  if (found === undefined) return undefined;
  const isOwn = found.owned && found.maker === 'owner';
  if (!isOwn && found.publicKey.modulus !== reported.modulus) return undefined;
  const channel = await provider.openDomain(
    fromRsaPublicKey(found.publicKey),
    keyReferenceFromHex(found.keyReference),
    [provider.secrets.certificate],
  );
  if (!(channel instanceof HandChannel)) return undefined;
  if (!isOwn) await channel.send(generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024));
  const after = await attested(provider, makers);
  return after?.owned === true && after.maker === 'owner' ? after : undefined;
}

async function attested(
  { victim, send }: IssuerHand,
  makers: readonly TrustAnchor[],
): Promise<AttestationFacts | undefined> {
  const nonce = new Uint8Array(randomBytes(16));
  const commands = [
    select(AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN),
    getData(DATA_OBJECT.CERTIFICATE),
    select(victim.ssd),
    getAttestation(nonce),
  ];
  const [, certificate, selected, attestation] = await send(commands.map(toCardCommand));
  if (!answersAs(selected?.data ?? '', victim.ssd) || attestation?.sw !== '9000') return undefined;
  const { trustPoint, applicationProviderId } = victim;
  const expected = {
    aid: toHex(victim.ssd),
    applicationProviderId: toHex(applicationProviderId),
    trustPoint: {
      holderReference: toHex(trustPoint.holderReference),
      publicKey: toRsaPublicKey(trustPoint.publicKey),
    },
  };
  const claim = {
    challengeId: 'range',
    attestation: attestation.data,
    casdCertificate: certificate?.data ?? '',
    expected,
  };
  try {
    return verifyAttestation(claim, nonce, makers);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
