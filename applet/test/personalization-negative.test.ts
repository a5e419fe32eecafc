// SPDX-License-Identifier: Apache-2.0
/** What others do to a named domain on another channel: keys and data for it are then nobody's. GPCS 11.5.2.3.6. */
import { resolve } from 'node:path';
import { expect } from 'chai';
import { ISD, LOAD_FILE, SSD_MODULE, type TestCard } from './support/card.ts';
import { ChannelCard } from './support/channel-card.ts';
import { generateData, personalizationData } from './support/domains.ts';
import { withIssuerSets } from './support/issuer-sets.ts';
import { publicKeyData, rsaKey } from './support/keys.ts';
import { PURSE_MODULE, PURSE_PACKAGE, purseCap } from './support/purse-card.ts';
import { openScp03, randomKeySet, type Scp03Session } from './support/scp03-host.ts';
import { bytes, lv, tlv } from './support/tlv.ts';

const SSD = 'F06F70656E74736D5303';
const BELOW = 'F06F70656E74736D5304';
const withPurseCap = { change: (image: object) => ({ ...image, loadFiles: [{ cap: purseCap() }] }) as never };

const domainData = (aid: string, privileges: string): Buffer =>
  Buffer.concat([
    ...[LOAD_FILE, SSD_MODULE, aid, privileges, tlv('C9', '81020370')].map((field) => lv(field)),
    bytes('00'),
  ]);
const applicationData = (aid: string): Buffer =>
  Buffer.concat([...[PURSE_PACKAGE, PURSE_MODULE, aid, '00', tlv('C9', '')].map((field) => lv(field)), bytes('00')]);
const extradition = (aid: string, to: string): Buffer => Buffer.concat([lv(to), bytes('00'), lv(aid), bytes('000000')]);

/** What the issuer does meanwhile, and how each command for the domain is refused from then on. */
const meanwhile: readonly (readonly [string, string, (issuer: Scp03Session) => Promise<unknown>])[] = [
  ['has taken away', '6A88', (issuer) => issuer.ok('80E61000', extradition(BELOW, ISD))],
  ['has deleted', '6A88', (issuer) => issuer.ok('80E40000', tlv('4F', BELOW))],
  [
    'has put an application in the place of',
    '6A88',
    async (issuer) => {
      await issuer.ok('80E40000', tlv('4F', BELOW));
      await issuer.ok('80E60C00', applicationData(BELOW));
      await issuer.ok('80E61000', extradition(BELOW, SSD));
    },
  ],
  ['has locked', '6985', (issuer) => issuer.ok('80F04080', BELOW)],
  ['has closed personalization for', '6985', (issuer) => issuer.ok('80E64000', bytes('0000000005EF03D9012000'))],
];

async function keysOf(card: TestCard, aid: string): Promise<string> {
  await card.select(aid);
  return card.ok('80CA00E000');
}

describe('INSTALL [for personalization] in a provider’s domain', () => {
  for (const [what, sw, change] of meanwhile)
    it(
      `gives no keys or data to a domain that the issuer ${what} on another channel, and none to the provider’s own`,
      withIssuerSets(withPurseCap, async (card, { aes }) => {
        const first = await openScp03(card, aes);
        const [delegated, own] = [randomKeySet('31'), randomKeySet('33')];
        await first.ok('80E60C00', domainData(SSD, '80C000'));
        await first.ok('80E62000', personalizationData(SSD));
        expect((await first.putKeySet(delegated)).sw).equal('9000');
        await card.select(SSD);
        expect((await (await openScp03(card, delegated)).putKeySet(own)).sw).equal('9000');
        const before = await keysOf(card, SSD);

        const other = await ChannelCard.open(card, 1);
        await other.select(SSD);
        const provider = await openScp03(other, own);
        await provider.ok('80E60C00', domainData(BELOW, '808000'));
        await provider.ok('80E62000', personalizationData(BELOW));
        await card.select(ISD);
        await change(await openScp03(card, aes));

        expect((await provider.putKeySet(randomKeySet('34'))).sw, 'PUT KEY of a set').equal(sw);
        const trustPoint = publicKeyData('20', rsaKey('issuer ca'));
        expect((await provider.send('80D80001', trustPoint)).sw, 'PUT KEY of a trust point').equal(sw);
        expect((await provider.send('80478000', generateData('10', 1024))).sw, 'GENERATE').equal(sw);
        expect((await provider.send('80E29000', bytes('4203DDEEFF'))).sw, 'STORE DATA').equal(sw);
        await other.close(card);
        expect(await keysOf(card, SSD)).equal(before);
        await card.ok('80CA004200', '6A88');
        expect(await keysOf(card, ISD)).not.match(/C004..34/);
      }),
    );
});

describe('An application that offers its parent what a domain does', () => {
  const PACKAGE = 'F000000008';
  const MODULE = 'F00000000801';
  const withImpostor = {
    change: (image: object) =>
      ({
        ...image,
        loadFiles: [
          {
            aid: PACKAGE,
            path: resolve(import.meta.dirname, '../../simulator/java/target/test-classes'),
            modules: [{ aid: MODULE, class: 'org.opentsm.simulator.domain.Impostor' }],
          },
        ],
      }) as never,
  };
  const instance = (privileges: string): Buffer =>
    Buffer.concat([...[PACKAGE, MODULE, MODULE, privileges, tlv('C9', '')].map((field) => lv(field)), bytes('00')]);
  /** How often it got something as a domain, and as an application. */
  const got = async (card: TestCard): Promise<string> => {
    await card.select(MODULE);
    return card.ok('8001000000');
  };

  it(
    'gets blocks of STORE DATA as an application, and keys and pairs go to nobody',
    withIssuerSets(withImpostor, async (card, { aes }) => {
      const issuer = await openScp03(card, aes);
      await issuer.ok('80E60C00', instance('00'));
      await issuer.ok('80E62000', personalizationData(MODULE));
      expect((await issuer.putKeySet(randomKeySet('34'))).sw).equal('6985');
      expect((await issuer.send('80478000', generateData('10', 1024))).sw, 'GENERATE').equal('6985');
      await issuer.ok('80E29000', bytes('4203DDEEFF'));
      expect(await got(card)).equal('0001');
      expect(await keysOf(card, ISD)).not.match(/C0040134/);
    }),
  );

  it(
    'gets nothing when it has the privilege of a domain',
    withIssuerSets(withImpostor, async (card, { aes }) => {
      const issuer = await openScp03(card, aes);
      await issuer.ok('80E60C00', instance('808000'));
      expect((await issuer.send('80E62000', personalizationData(MODULE))).sw).equal('6A88');
      expect((await issuer.send('80E29000', bytes('4203DDEEFF'))).sw).equal('6985');
      expect(await got(card)).equal('0000');
    }),
  );

  it(
    'leaves what follows a refused INSTALL to nobody: who carries a script need not stop there',
    withIssuerSets({}, async (card, { aes }) => {
      const before = await keysOf(card, ISD);
      const issuer = await openScp03(card, aes);
      expect((await issuer.send('80E62000', personalizationData(SSD))).sw).equal('6A88');
      expect((await issuer.putKeySet(randomKeySet('34'))).sw).equal('6985');
      const trustPoint = publicKeyData('10', rsaKey('provider ca'));
      expect((await issuer.send('80D80001', trustPoint)).sw, 'PUT KEY [PK.TP_EX.AUT]').equal('6985');
      expect((await issuer.send('80E29000', bytes('4203DDEEFF'))).sw).equal('6985');
      expect(await keysOf(card, ISD)).equal(before);
    }),
  );
});
