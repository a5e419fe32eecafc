// SPDX-License-Identifier: Apache-2.0
/** How long INSTALL [for personalization] lasts, and whose the keys and data behind it are. GPCS 11.5.2.3.6, 7.3.3. */
import { expect } from 'chai';
import { apdu, ISD, LOAD_FILE, SSD_MODULE, type TestCard } from './support/card.ts';
import { personalizationData } from './support/domains.ts';
import { withIssuerSets } from './support/issuer-sets.ts';
import { KEYS, keyObjects, PURSE, publicObjects, purseCap, purseInstall } from './support/purse-card.ts';
import { type KeySet, openScp03, randomKeySet, type Scp03Session } from './support/scp03-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const SSD = 'F06F70656E74736D5303';
const BELOW = 'F06F70656E74736D5304';
const withPurseCap = { change: (image: object) => ({ ...image, loadFiles: [{ cap: purseCap() }] }) as never };

const domainData = (aid: string, privileges = '808000'): Buffer =>
  Buffer.concat([
    ...[LOAD_FILE, SSD_MODULE, aid, privileges, tlv('C9', '81020370')].map((field) => lv(field)),
    bytes('00'),
  ]);

/** A key set as PUT KEY brings it, and the versions that a domain tells. */
const put = async (session: Scp03Session, set: KeySet): Promise<void> => {
  expect((await session.putKeySet(set)).sw, `PUT KEY ${set.kvn}`).equal('9000');
};
async function versions(card: TestCard, aid: string): Promise<string[]> {
  await card.select(aid);
  const answer = await card.ok('80CA00E000');
  return [...new Set(Array.from(answer.matchAll(/C004..(..)/g), ([, version = '']) => version))].sort();
}

/** A domain with Authorized Management whose owner has put a set of his own, and his session. */
async function ownedDomain(card: TestCard, issuer: Scp03Session): Promise<Scp03Session> {
  const [delegated, own] = [randomKeySet('31'), randomKeySet('33')];
  await issuer.ok('80E60C00', domainData(SSD, '80C000'));
  await issuer.ok('80E62000', personalizationData(SSD));
  await put(issuer, delegated);
  await card.select(SSD);
  await put(await openScp03(card, delegated), own);
  return openScp03(card, own);
}

/** Public data, then the keys under the session's DEK, which is the last block. */
async function personalizePurse(session: Scp03Session): Promise<void> {
  await session.ok('80E62000', personalizationData(PURSE));
  await session.ok('80E21000', publicObjects());
  const keys = keyObjects(KEYS.aes);
  const filled = Buffer.concat([keys, Buffer.alloc((16 - (keys.length % 16)) % 16)]);
  await session.ok('80E2F001', session.seal(filled));
}

describe('INSTALL [for personalization]', () => {
  it(
    'of a domain ends with the last block of STORE DATA: data and keys behind it are the issuer’s own',
    withIssuerSets({}, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60C00', domainData(SSD));
      await session.ok('80E62000', personalizationData(SSD));
      await session.ok('80E21000', '4203AA');
      await session.ok('80E29001', 'BBCC');
      await session.ok('80E29000', '4203DDEEFF');
      const issuers = randomKeySet('31');
      await put(session, issuers);
      expect(await versions(card, SSD)).deep.equal([]);
      expect(await card.ok('80CA004200')).equal('4203AABBCC');
      expect(await versions(card, ISD)).deep.equal(['10', '20', '30', '31'].slice(1));
      expect(await card.ok('80CA004200')).equal('4203DDEEFF');
      await openScp03(card, issuers);
    }),
  );

  it(
    'of a domain hands on keys without any STORE DATA, until one, and to nobody after a DELETE',
    withIssuerSets({}, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60C00', domainData(SSD));
      await session.ok('80E62000', personalizationData(SSD));
      await put(session, randomKeySet('31'));
      await put(session, randomKeySet('32'));
      await session.ok('80E40000', 'D20120');
      await put(session, randomKeySet('33'));
      expect(await versions(card, SSD)).deep.equal(['31', '32']);
      expect(await versions(card, ISD)).deep.equal(['30', '33']);
    }),
  );

  it(
    'names an application of the issuer’s domain, up to the last block it took',
    withIssuerSets(withPurseCap, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60C00', purseInstall(''));
      await session.ok('80E62000', personalizationData(PURSE));
      await session.ok('80E29000', publicObjects(), '6985');
      await personalizePurse(session);
      await session.ok('80E29000', '4203DDEEFF');
      await card.select(PURSE);
      expect(await card.ok('805C000204')).equal('00000000');
      await card.select(ISD);
      expect(await card.ok('80CA004200')).equal('4203DDEEFF');
    }),
  );

  it(
    'of an application refuses keys, which are for nobody else, up to the next INSTALL',
    withIssuerSets(withPurseCap, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60C00', purseInstall(''));
      await session.ok('80E62000', personalizationData(PURSE));
      expect((await session.putKeySet(randomKeySet('31'))).sw).equal('6985');
      await session.ok('80E21000', publicObjects());
      expect((await session.putKeySet(randomKeySet('31'))).sw, 'behind a block').equal('6985');
      await session.ok('80E60C00', domainData(SSD));
      await put(session, randomKeySet('33'));
      expect(await versions(card, ISD)).deep.equal(['20', '30', '33']);
    }),
  );

  it(
    'in a provider’s domain ends with the last block too, and with another INSTALL',
    withIssuerSets(withPurseCap, async (card, { aes }) => {
      const session = await ownedDomain(card, await openScp03(card, aes));
      await session.ok('80E60C00', purseInstall(''));
      await session.ok('80E62000', personalizationData(PURSE));
      await session.ok('80E60C00', domainData(BELOW));
      await session.ok('80E29000', '4203112233');
      await personalizePurse(session);
      await session.ok('80E29000', '4203DDEEFF');
      await card.select(SSD);
      expect(await card.ok('80CA004200')).equal('4203DDEEFF');
    }),
  );

  it(
    'in a provider’s domain names a domain below it as the issuer’s names its own',
    withIssuerSets({}, async (card, { aes }) => {
      const session = await ownedDomain(card, await openScp03(card, aes));
      const below = randomKeySet('32');
      await session.ok('80E60C00', domainData(BELOW));
      await session.ok('80E62000', personalizationData(BELOW));
      await put(session, below);
      await session.ok('80E29000', '4203AABBCC');
      await session.ok('80E29000', '4203DDEEFF');
      expect(await versions(card, SSD)).deep.equal(['33']);
      expect(await card.ok('80CA004200')).equal('4203DDEEFF');
      expect(await versions(card, BELOW)).deep.equal(['32']);
      expect(await card.ok('80CA004200')).equal('4203AABBCC');
      expect(hex((await (await openScp03(card, below)).send('80CA00D3')).data)).equal('D301B3');
    }),
  );
});

describe('A card whose issuer wants no more personalization', () => {
  /** EF { D9 01 20 } for the whole card: INSTALL [for registry update] that names nobody. */
  const FOR_GOOD = '00000000 05EF03D90120 00'.replaceAll(' ', '');

  it(
    'refuses it for domains and applications, and what was named before',
    withIssuerSets(withPurseCap, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60C00', domainData(SSD));
      await session.ok('80E60C00', purseInstall(''));
      await session.ok('80E62000', personalizationData(PURSE));
      await session.ok('80E64000', FOR_GOOD);
      for (const aid of [SSD, PURSE]) await session.ok('80E62000', personalizationData(aid), '6985');
      await session.ok('80E29000', '4203DDEEFF', '6985');
      await card.select(ISD);
      expect(await card.ok('80CA004200')).not.equal('4203DDEEFF');
      await card.ok(apdu('00A40400', PURSE, true));
    }),
  );

  it(
    'refuses it for one application alone, by make selectable',
    withIssuerSets(withPurseCap, async (card, { aes }) => {
      const session = await openScp03(card, aes);
      await session.ok('80E60400', purseInstall(''));
      await session.ok('80E62000', personalizationData(PURSE));
      const fields = ['', '', PURSE, '00', 'EF03D90120', ''].map((field) => lv(field));
      await session.ok('80E60800', Buffer.concat(fields));
      await session.ok('80E62000', personalizationData(PURSE), '6985');
    }),
  );
});
