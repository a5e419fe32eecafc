// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { AID, aid, aidToHex } from '../../wire/gp/aid.ts';
import { CHA, decodeCertificate } from '../../wire/gp/certificate.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putCertificate, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { fromHex } from '../../wire/hex.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import type { MadeCard } from '../card-maker.ts';
import { type CardInReader, isNative } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { type Range, tryActiveIssuer } from './active-issuer.ts';
import { AttackedCard, type AttemptResult } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import { tryThroughNativeIsd } from './native-issuer-hand.ts';
import { Property } from './property.ts';

/** CERT.OCE.AUT of the provider, as every listener has it from PSO VERIFY CERTIFICATE. */
interface Known {
  readonly issuer: Loot;
  readonly provider: Loot;
  readonly row: SecurityDomainRow;
  readonly reported: Parameters<AttackedCard['openChannel']>[0]['securityDomainKey'];
}

/**
 * Row 1: after 60 nothing that the issuer knows or saw opens a channel to the SSD. The attacker has its database, its
 * KMS, the public key of 49 and the provider's certificate from the traffic. On new cards it cheats before the provider
 * comes.
 */
export async function issuerCannotOpen(target: CardInReader, known: Known, range: Range): Promise<PropertyReport> {
  const property = new Property('after 60 nothing of the issuer opens a channel to the SSD');
  const card = new AttackedCard(target.card);
  const ssdAid = developmentSsdAid('a');
  const before = await card.look(ssdAid);
  await tryChannels(property, card, ssdAid, known);
  const { made } = target;
  if (isNative(made)) await tryThroughNativeIsd(property, card, ssdAid, { target, made, issuer: known.issuer });
  else await tryThroughIsd(property, card, ssdAid, made, known.issuer);
  const after = await card.look(ssdAid);
  property.attempt(
    'all of it together',
    before === after ? undefined : 'the SSD shows other keys or another certificate',
  );
  // Without a CASD an issuer that cheats before 52 wins (docs/adr/009): there is nothing to try.
  if (!isNative(made)) await tryActiveIssuer(property, range, known);
  return property.report();
}

const opened = (result: AttemptResult): string | undefined =>
  result.opened ? 'the card opened the channel' : undefined;

async function tryChannels(property: Property, card: AttackedCard, ssdAid: string, known: Known): Promise<void> {
  const { issuer, provider, row, reported } = known;
  const own = fromRsaPublicKey(row.publicKey);
  const real = decodeCertificate(provider.certificate);
  const content = {
    serial: new Uint8Array(randomBytes(8)),
    authorityReference: real.authorityReference,
    holderReference: real.holderReference,
    holderAuthorization: CHA.OFF_CARD_ENTITY,
    publicKey: issuer.offCardEntity.publicKey,
  };
  const certificates: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['its own certificate', [issuer.certificate]],
    [
      "a certificate that names the provider and its CA, signed by the issuer's CA",
      [await issueCardCertificate(content, issuer.authority)],
    ],
    ['a certificate that it signed itself', [await issueCardCertificate(content, issuer.offCardEntity)]],
    ["the provider's own certificate", [provider.certificate]],
    ["the provider's certificate, then its own", [provider.certificate, issuer.certificate]],
    ['no certificate but its own as authority', [issuer.certificate, issuer.certificate]],
  ];
  const keys = [
    ['the key of 49 as KVN 10', { securityDomainKey: reported, keyReference: KEY_REFERENCE.INITIAL_KEY_PAIR }],
    ['the key of 49 by default', { securityDomainKey: reported }],
    ['the own key as KVN 11', { securityDomainKey: own, keyReference: KEY_REFERENCE.OWN_KEY_PAIR }],
  ] as const;
  for (const [withCertificate, chain] of certificates) {
    for (const [underKey, key] of keys) {
      const attempt = { aid: ssdAid, signer: issuer.offCardEntity, certificates: chain, ...key };
      property.attempt(`${withCertificate}, ${underKey}`, opened(await card.openChannel(attempt)));
    }
  }
}

/** The issuer's own channel to the ISD is real; what it hands to the SSD must be refused. */
async function tryThroughIsd(
  property: Property,
  card: AttackedCard,
  ssdAid: string,
  made: MadeCard,
  issuer: Loot,
): Promise<void> {
  const isd = {
    aid: aidToHex(AID.ISSUER_SECURITY_DOMAIN),
    signer: issuer.offCardEntity,
    certificates: [issuer.certificate],
    securityDomainKey: fromRsaPublicKey(made.isdPublicKey),
    keyReference: KEY_REFERENCE.INITIAL_KEY_PAIR,
  };
  const trustPoint = putPublicKeyExtended(
    KEY_REFERENCE.TRUST_POINT,
    issuer.authority.publicKey,
    fromHex('49'.repeat(16)),
  );
  const acts: readonly GpCommand[] = [
    trustPoint,
    generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
    generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024),
    putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, issuer.certificate),
    storeCertificate(issuer.certificate),
  ];
  for (const act of acts) {
    const result = await card.openChannel(isd, [installForPersonalization(aid(ssdAid)), act]);
    const answer = result.opened ? result.responses.at(-1)?.sw : result.at;
    // INSTALL [for personalization] may itself be refused; a channel that does not open would prove nothing.
    const reached = result.opened && result.responses.length > 0;
    property.attempt(`${act.label} through the ISD`, reached && answer !== '9000' ? undefined : `answer ${answer}`);
  }
}
