// SPDX-License-Identifier: Apache-2.0
import { generateKeyPair as newKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import { rsaSigner } from '../../crypto/rsa.ts';
import { InvariantError } from '../../errors.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { type Aid, aid } from '../../wire/gp/aid.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { decodePublicKey, generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import {
  installForExtradition,
  installForPersonalization,
  installForRegistryUpdate,
  installSecurityDomain,
} from '../../wire/gp/install.ts';
import { CONTENT_KEY_REFERENCE, KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { PRIVILEGE, SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES } from '../../wire/gp/privilege.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKey, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { type CardInReader, isNative } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { type Range, secretsOf, victimOf } from './active-issuer.ts';
import { AttackedCard } from './attacked-card.ts';
import { HandChannel, IssuerHand } from './issuer-hand.ts';
import type { Loot } from './loot.ts';
import { Property } from './property.ts';
import {
  type DelegatedDomain,
  type OwnedDomain,
  requireOwnActs,
  tryBoughtActs,
  trySiblingActs,
} from './sibling-acts.ts';

export interface ProviderOnCard {
  readonly id: string;
  readonly loot: Loot;
  readonly row: SecurityDomainRow;
}

/** What lets Delegated Management beside it delete in it and extradite from it, so that no policy stands in the way. */
const ACCEPTS = { deletion: 0xa8, extraditionFrom: 0xa8 } as const;
const DELEGATED = SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES | PRIVILEGE.DELEGATED_MANAGEMENT;

/**
 * Row 4: two providers on one card cannot reach each other's SSD, with all keys of their own: neither by a session
 * with it, nor from one with their own SSD, with and without Delegated Management and tokens of the issuer's.
 */
export async function providersApart(
  target: CardInReader,
  providers: readonly [ProviderOnCard, ProviderOnCard],
  { issuer, range }: { readonly issuer: Loot; readonly range: Range },
): Promise<PropertyReport> {
  const property = new Property("two providers on one card cannot reach each other's SSD");
  const card = new AttackedCard(target.card);
  for (const [attacker, victim] of bothWays(providers)) {
    const { offCardEntity: signer, certificate } = attacker.loot;
    const chains = [[certificate], [victim.loot.certificate], [victim.loot.certificate, certificate]];
    for (const certificates of chains) {
      for (const key of [victim.row, attacker.row]) {
        const securityDomainKey = fromRsaPublicKey(key.publicKey);
        const attempt = { aid: developmentSsdAid(victim.id), signer, certificates, securityDomainKey };
        const result = await card.openChannel(attempt);
        property.attempt(`${attacker.id} at ${victim.id}`, result.opened ? 'the card opened the channel' : undefined);
      }
    }
  }
  const [a, b] = providers;
  const owned = [ownedDomain(a), ownedDomain(b)] as const;
  for (const pair of bothWays(owned)) await trySiblingActs(property, card, pair, 'as it is');
  // On a card of the field no domain of ours has privileges.
  if (!isNative(target.made)) await tryDelegated(property, range, { issuer, providers });
  return property.report();
}

const bothWays = <T>([one, other]: readonly [T, T]): (readonly [T, T])[] => [
  [one, other],
  [other, one],
];

const ownedDomain = ({ id, loot, row }: ProviderOnCard): OwnedDomain => ({
  id,
  loot,
  aid: aid(developmentSsdAid(id)),
  key: fromRsaPublicKey(row.publicKey),
});

/**
 * The same on a new card, where both domains have the privilege, and accept what the privilege may be let do; with and
 * without tokens of the issuer's, who, for comparison, can do it, as each can to its own.
 */
async function tryDelegated(
  property: Property,
  range: Range,
  { issuer, providers }: { readonly issuer: Loot; readonly providers: readonly [ProviderOnCard, ProviderOnCard] },
): Promise<void> {
  const { made, card } = await range.card();
  const { privateKey } = await promisify(newKeyPair)('rsa', { modulusLength: 1024 });
  const tokens = rsaSigner(privateKey);
  try {
    const attacked = new AttackedCard(card);
    const handOf = (loot: Loot, { id, loot: owner }: ProviderOnCard) => {
      const victim = { ...victimOf(made, owner), ssd: aid(developmentSsdAid(id)) };
      return new IssuerHand((commands) => attacked.sendOn(commands), secretsOf(loot), victim);
    };
    const deliver = async (provider: ProviderOnCard) =>
      delegatedDomain(provider, handOf(issuer, provider), handOf(provider.loot, provider));
    const [a, b] = providers;
    const owned = [await deliver(a), await deliver(b)] as const;
    const hand = handOf(issuer, b);
    for (const pair of bothWays(owned)) await trySiblingActs(property, attacked, pair, 'delegated');
    requireDone(await hand.throughIsd(putPublicKey(CONTENT_KEY_REFERENCE.token, tokens.publicKey)), 'the token key');
    for (const pair of bothWays(owned)) await tryBoughtActs(property, attacked, pair, tokens.signSha1);
    for (const domain of owned) await requireOwnActs(attacked, domain, tokens.signSha1);
    await requireRealActs(hand, owned);
  } finally {
    await card.remove();
  }
}

/** 47 to 59 by hand, with Delegated Management and two instances in the domain. */
async function delegatedDomain(
  { id, loot }: ProviderOnCard,
  issuer: IssuerHand,
  provider: IssuerHand,
): Promise<DelegatedDomain> {
  const { ssd, applicationProviderId, trustPoint } = issuer.victim;
  const domain = { instance: ssd, applicationProviderId, keySizeBits: 1024, privileges: DELEGATED } as const;
  await issuer.throughIsd(installSecurityDomain({ ...domain, accepts: ACCEPTS }));
  const first = await issuer.generate(generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024));
  await issuer.personalize(
    putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, trustPoint.publicKey, trustPoint.holderReference),
  );
  if (first === undefined) throw new InvariantError('attack-setting', 'The issuer cannot make the first pair');
  const reference = KEY_REFERENCE.INITIAL_KEY_PAIR;
  const channel = await provider.openDomain(fromRsaPublicKey(first), reference, [loot.certificate]);
  if (!(channel instanceof HandChannel))
    throw new InvariantError('attack-setting', `${id} does not get into its domain: ${channel}`);
  const { data } = await channel.send(generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024));
  const key = decodePublicKey(fromHex(data, 1024));
  const certificate = await issueCardCertificate(
    {
      serial: new Uint8Array(randomBytes(8)),
      authorityReference: trustPoint.holderReference,
      holderReference: new Uint8Array(randomBytes(16)),
      holderAuthorization: CHA.SECURITY_DOMAIN,
      publicKey: key,
    },
    loot.authority,
  );
  // Without a certificate it is not PERSONALIZED, and may manage nothing.
  requireDone([(await channel.send(storeCertificate(certificate))).sw], `the certificate of ${id}`);
  const held = [heldBy(id, 1), heldBy(id, 2)] as const;
  for (const instance of held) {
    const made = installSecurityDomain({ instance, applicationProviderId, keySizeBits: 1024 });
    requireDone(await issuer.throughIsd(made, installForExtradition(instance, ssd)), `what ${id} has`);
  }
  return { id, loot, aid: ssd, key, held };
}

const heldBy = (id: string, number: number): Aid => aid(`F06F70656E74736D7E${toHex(Buffer.from(id))}0${number}`);

function requireDone(words: readonly string[], what: string): void {
  if (words.every((sw) => sw === '9000')) return;
  throw new InvariantError('attack-setting', `The card does not take ${what}: ${words.join(', ')}`);
}

/** @throws InvariantError when the card refuses these acts to the issuer too: then it refused them for their form */
async function requireRealActs(issuer: IssuerHand, [a, b]: readonly [OwnedDomain, OwnedDomain]): Promise<void> {
  const answers = await issuer.throughIsd(
    installForPersonalization(b.aid),
    setStatus(STATUS_TARGET.APPLICATION, 0x80, b.aid),
    setStatus(STATUS_TARGET.APPLICATION, 0x00, b.aid),
    installForRegistryUpdate({ application: b.aid, privileges: DELEGATED }),
    deleteObject(a.aid, { related: true }),
  );
  if (answers.every((sw) => sw === '9000')) return;
  throw new InvariantError('attack-setting', `The issuer cannot do it either: ${answers.join(', ')}`);
}
