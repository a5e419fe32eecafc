// SPDX-License-Identifier: Apache-2.0
/** Sessions of SCP02 and SCP03 whose host asked for no MAC are their owner’s all the same. GPCS 2.3.1 Table 11-2. */
import { expect } from 'chai';
import { ISD, LOAD_FILE, SSD_MODULE, type TestCard, withIssuerCard } from './support/card.ts';
import { personalizationData, provider } from './support/domains.ts';
import { withIssuerSets } from './support/issuer-sets.ts';
import { publicKeyData, rsaKey } from './support/keys.ts';
import { desSetData, openScp02, randomDesSet } from './support/scp02-host.ts';
import { openScp03, randomKeySet } from './support/scp03-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const SSD = 'F06F70656E74736D5303';

const domainData = (parameters: string): Buffer =>
  Buffer.concat([
    ...[LOAD_FILE, SSD_MODULE, SSD, '808000', tlv('C9', parameters)].map((field) => lv(field)),
    bytes('00'),
  ]);

describe('A session that was opened without a MAC', () => {
  it(
    'is its owner’s under SCP03: registry, keys, data and content',
    withIssuerSets({}, async (card, { aes }) => {
      const session = await openScp03(card, aes, 0x00);
      expect(await session.ok('80CA00D3')).equal('D30180');
      expect(await session.ok('80F28002', '4F00')).include(`4F08${ISD}`);
      await session.ok('80E60C00', domainData('81020370'));
      await session.ok('80E29000', '4203DDEEFF');
      const own = randomKeySet('31');
      expect((await session.putKeySet(own)).sw).equal('9000');
      await openScp03(card, own, 0x33);
    }),
  );

  it(
    'is its owner’s under SCP02',
    withIssuerSets({}, async (card, { des }) => {
      const session = await openScp02(card, des, 0x00);
      expect(await session.ok('80F28002', '4F00')).include(`4F08${ISD}`);
      const other = randomDesSet('21');
      await session.ok(
        '80D80081',
        desSetData(other, (key) => session.seal(key)),
      );
      await openScp02(card, other);
    }),
  );

  it(
    'is so with R-MAC alone, which i = 35 has',
    withIssuerCard({ lifeCycle: 'OP_READY', change: with35 }, async (card: TestCard) => {
      const set = randomDesSet('20');
      await card.ok(`80D80081${hex(lv(desSetData(set, (key) => key)))}00`);
      await card.ok('80F0800F');
      const session = await openScp02(card, set, 0x10, '35');
      expect(await session.ok('80F28002', '4F00')).include(`4F08${ISD}`);
    }),
  );

  it(
    'takes no public keys, which anybody on the way could have put there',
    withIssuerSets({}, async (card, { aes, des }) => {
      const keys: readonly (readonly [string, string, Buffer])[] = [
        ['trust point', '80D80001', publicKeyData('10', rsaKey('anybody'))],
        ['token key', '80D80001', publicKeyData('70', rsaKey('anybody'))],
        ['DAP key', '80D80001', publicKeyData('73', rsaKey('anybody'))],
        ['token key of P-256', '80D80001', bytes(`70 B0 41 04${'11'.repeat(64)} F0 01 00 00`)],
      ];
      for (const open of [() => openScp03(card, aes, 0x00), () => openScp02(card, des, 0x00)]) {
        await card.select(ISD);
        const before = await card.ok('80CA00E000');
        const session = await open();
        for (const [name, header, data] of keys) expect((await session.send(header, data)).sw, name).equal('6982');
        expect(await session.ok('80CA00E0')).equal(before);
        const who = provider('provider a');
        await session.ok('80E60C00', domainData(`81020370 ${hex(tlv('5F20', who.reference))}`));
        await session.ok('80E62000', personalizationData(SSD));
        await session.ok('80D80001', publicKeyData('20', rsaKey('anybody')), '6982');
        await session.ok('80E40000', tlv('4F', SSD));
      }
      await card.select(ISD);
      const session = await openScp03(card, aes, 0x01);
      for (const [name, header, data] of keys.slice(0, 2)) {
        expect((await session.send(header, data)).sw, `${name} under a MAC`).equal('9000');
      }
    }),
  );

  it(
    'makes a domain its owner’s, who alone it is: one under keys that came by delegation changes nothing',
    withIssuerSets({}, async (card, { aes }) => {
      const issuer = await openScp03(card, aes);
      const who = provider('provider a');
      await issuer.ok('80E60C00', domainData(`81020370 ${hex(tlv('5F20', who.reference))}`));
      await issuer.ok('80E62000', personalizationData(SSD));
      const delegated = randomKeySet('31');
      expect((await issuer.putKeySet(delegated)).sw).equal('9000');
      await card.select(SSD);
      const session = await openScp03(card, delegated, 0x00);
      expect(await session.ok('80CA00D3')).equal('D30140');
      expect((await session.putKeySet(randomKeySet('32'))).sw).equal('6982');
      await session.ok('80E29000', '4203DDEEFF', '6982');
      await session.ok('80F24002', '4F00', '6982');
    }),
  );
});

function with35<T extends { isd?: object | null }>(image: T): T {
  return { ...image, ...(image.isd && { isd: { ...image.isd, protocols: '02351002' } }) };
}
