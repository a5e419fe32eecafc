// SPDX-License-Identifier: Apache-2.0
import type { CardImage } from '../../../simulator/src/index.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE, keyReference } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, type PublicKey } from '../../wire/gp/public-key.ts';
import { KEY_TYPE, putCertificate, putKeySet, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { concat } from '../../wire/hex.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { HandChannel, type IssuerHand } from './issuer-hand.ts';

/** What an issuer that cheats may do to a domain that it made, after 51 and before it reports in 52. */

export interface IssuerMove {
  readonly name: string;
  /** Does it, on a domain with its first pair and the provider's trust point. */
  readonly play: (hand: IssuerHand) => Promise<Played>;
  /** `refused`: the provider must see it. `harmless`: the provider may go on, and the domain must be its own then. */
  readonly outcome: 'refused' | 'harmless';
}

export interface Played {
  /** What the issuer tells the provider as the first pair, where it is another one now. */
  readonly initialKey?: RsaPublicKey;
  /** What went against the card's own rules, which must stop the move before the provider does. */
  readonly broken?: string;
}

const OWN_PAIR = KEY_REFERENCE.OWN_KEY_PAIR;
const FIRST_PAIR = KEY_REFERENCE.INITIAL_KEY_PAIR;
const TRUST_POINT = KEY_REFERENCE.TRUST_POINT;
/** References at which a pair of the issuer's might wait: the provider's own, others, and other key identifiers. */
const OTHER_REFERENCES = [
  OWN_PAIR,
  ...(
    [
      [0x01, 2],
      [0x12, 2],
      [0x7f, 2],
      [0x10, 1],
      [0x10, 3],
      [0x11, 3],
    ] as const
  ).map(([kvn, kid]) => keyReference(kvn, kid)),
];

/** Versions of key sets: of SCP03, and of the range that packets use (ETSI TS 102 226). */
export const KEY_SETS = [0x30, 0x01] as const;
const ISSUERS_KEYS = [0x40, 0x50, 0x60].map((byte) => new Uint8Array(16).fill(byte));

const enciphered = (channel: HandChannel) => (key: Uint8Array) => ({
  type: KEY_TYPE.AES,
  ciphertext: channel.encrypt(key),
  keyLength: key.length,
  checkValue: aesKeyCheckValue(key),
});

const ownTrustPoint = ({ secrets }: IssuerHand, reference = TRUST_POINT) =>
  putPublicKeyExtended(reference, secrets.authority.publicKey, secrets.authorityReference);

const rightTrustPoint = ({ victim }: IssuerHand) =>
  putPublicKeyExtended(TRUST_POINT, victim.trustPoint.publicKey, victim.trustPoint.holderReference);

/** Gives the domain a pair and the issuer's trust point, and opens it in the provider's name. */
async function openAsOwner(hand: IssuerHand): Promise<{ channel: HandChannel; key: PublicKey }> {
  const made = await hand.generate(generateKeyPair(FIRST_PAIR, 1024));
  await hand.personalize(ownTrustPoint(hand));
  if (made === undefined) throw new TypeError('the issuer cannot make a first pair');
  const key = fromRsaPublicKey(made);
  const certificate = await hand.certificateFor(hand.victim.applicationProviderId);
  const channel = await hand.openDomain(key, FIRST_PAIR, [certificate]);
  if (!(channel instanceof HandChannel)) throw new TypeError(`the issuer cannot open what trusts it: ${channel}`);
  return { channel, key };
}

/** The domain with this AID, made anew. */
async function remake(hand: IssuerHand, applicationProviderId = hand.victim.applicationProviderId): Promise<void> {
  await hand.throughIsd(hand.delete(), hand.install(hand.victim.ssd, applicationProviderId));
}

export const issuerMoves: readonly IssuerMove[] = [
  {
    name: 'one more pair under every reference',
    outcome: 'harmless',
    play: async (hand) => {
      const words = await hand.personalize(...OTHER_REFERENCES.map((reference) => generateKeyPair(reference, 1024)));
      return words.includes('9000') ? { broken: `GENERATE answered ${words.join(' ')}` } : {};
    },
  },
  {
    name: 'another first pair than it reports',
    outcome: 'refused',
    play: async (hand) => {
      await hand.generate(generateKeyPair(FIRST_PAIR, 1024));
      return {};
    },
  },
  {
    name: 'its own trust point before, a pair made in the name of the owner, then the right trust point',
    outcome: 'harmless',
    play: async (hand) => {
      const { channel } = await openAsOwner(hand);
      await channel.send(generateKeyPair(OWN_PAIR, 1024));
      await channel.send(putCertificate(OWN_PAIR, await hand.certificateFor(hand.victim.applicationProviderId)));
      await channel.send(rightTrustPoint(hand));
      return {};
    },
  },
  {
    name: 'the right trust point set in the name of the owner, beside the first pair',
    outcome: 'harmless',
    play: async (hand) => {
      const { channel, key } = await openAsOwner(hand);
      await channel.send(rightTrustPoint(hand));
      return { initialKey: { modulus: hex(key.modulus), exponent: hex(key.exponent) } };
    },
  },
  {
    name: 'its own trust point after the right one',
    outcome: 'refused',
    play: async (hand) => {
      await hand.personalize(ownTrustPoint(hand));
      return {};
    },
  },
  {
    name: 'its own trust point beside the right one, under another version',
    outcome: 'refused',
    play: async (hand) => {
      await hand.personalize(ownTrustPoint(hand, keyReference(0x12, 0x01)));
      return {};
    },
  },
  {
    name: 'the right key as a trust point that takes any reference',
    outcome: 'refused',
    play: async (hand) => {
      await hand.personalize(putPublicKeyExtended(TRUST_POINT, hand.victim.trustPoint.publicKey));
      return {};
    },
  },
  {
    name: 'key sets of its own beside the trust point, for SCP03 and for packets',
    outcome: 'refused',
    play: async (hand) => {
      const channel = await hand.openIsd();
      await channel.send(installForPersonalization(hand.victim.ssd));
      for (const kvn of KEY_SETS) {
        const { sw } = await channel.send(putKeySet(keyReference(kvn, 0x01), ISSUERS_KEYS.map(enciphered(channel))));
        if (sw !== '9000') throw new TypeError(`the issuer cannot leave a key set: ${sw}`);
      }
      return {};
    },
  },
  {
    name: 'a certificate by delegation',
    outcome: 'harmless',
    play: async (hand) => {
      const certificate = await hand.certificateFor(hand.victim.applicationProviderId);
      const words = await hand.personalize(putCertificate(FIRST_PAIR, certificate), storeCertificate(certificate));
      return words.includes('9000') ? { broken: `the certificate was answered ${words.join(' ')}` } : {};
    },
  },
  {
    name: "a second domain with the provider's id",
    outcome: 'harmless',
    play: async (hand) => {
      const other = aid(concat(hand.victim.ssd.slice(0, -1), Uint8Array.of(0xee)));
      await hand.throughIsd(hand.install(other));
      return {};
    },
  },
  {
    name: 'a domain whose AID begins with the one that it deletes',
    outcome: 'refused',
    play: async (hand) => {
      await hand.throughIsd(hand.delete(), hand.install(aid(concat(hand.victim.ssd, Uint8Array.of(0x01)))));
      return {};
    },
  },
  {
    name: 'the same AID made anew, with another provider id, opened by the issuer',
    outcome: 'refused',
    play: async (hand) => {
      await remake(hand, new Uint8Array(16).fill(0x49));
      const made = await hand.generate(generateKeyPair(FIRST_PAIR, 1024));
      await hand.personalize(rightTrustPoint(hand));
      return made === undefined ? {} : { initialKey: made };
    },
  },
  {
    name: 'the same AID made anew, without keys',
    outcome: 'refused',
    play: async (hand) => {
      await remake(hand);
      return {};
    },
  },
  {
    name: 'the same AID made anew, as it must be',
    outcome: 'harmless',
    play: async (hand) => {
      await remake(hand);
      const made = await hand.generate(generateKeyPair(FIRST_PAIR, 1024));
      await hand.personalize(rightTrustPoint(hand));
      return made === undefined ? {} : { initialKey: made };
    },
  },
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

/** A card whose domain the maker let the issuer load with a pair that the issuer knows. */
export function withLoadedPair(hand: Pick<IssuerHand, 'victim'>, image: CardImage, reference: string): CardImage {
  const { ssd, applicationProviderId, trustPoint } = hand.victim;
  const pair = image.isd?.keyPair;
  if (pair === undefined || pair === null) throw new TypeError('the image has a pair to copy');
  const { publicKey, holderReference } = trustPoint;
  return {
    ...image,
    ssds: [
      {
        aid: aidToHex(ssd),
        applicationProviderId: hex(applicationProviderId),
        trustPoint: {
          holderReference: hex(holderReference),
          modulus: hex(publicKey.modulus),
          exponent: hex(publicKey.exponent),
        },
        keyPair: { ...pair, keyReference: reference },
      },
    ],
  };
}
