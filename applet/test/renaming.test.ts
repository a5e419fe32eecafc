// SPDX-License-Identifier: Apache-2.0
/** STORE DATA of 4F: the issuer's domain gets another name (GPCS 2.3.1 11.11.3.2), whole or not at all. */
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator } from '../../simulator/src/index.ts';
import { apdu, ISD, LOAD_FILE, SSD_MODULE, TestCard } from './support/card.ts';
import { SSD } from './support/domains.ts';
import { openScp02 } from './support/scp02-host.ts';
import { openScp03, type Scp03Session } from './support/scp03-host.ts';
import { bytes, lv, tlv } from './support/tlv.ts';

const key = bytes('404142434445464748494A4B4C4D4E4F');
const testKeys = (kvn: string) => ({ kvn, enc: key, mac: key, dek: key });
const NAMES = ['D0D1D2D3D4D501', 'E0E1E2E3E4', 'F0D1D2D3D4D5010203040506070809AA', ISD];
const domain = Buffer.concat([
  ...[LOAD_FILE, SSD_MODULE, SSD, '808000', tlv('C9', bytes('81020370'))].map((field) => lv(field)),
  bytes('00'),
]);

async function onGp(test: (card: TestCard, simulated: SimulatedCard) => Promise<void>): Promise<void> {
  const simulator = await sharedSimulator();
  await using simulated = await simulator.insert('gp');
  await test(new TestCard(simulated), simulated);
}

async function opened(card: TestCard, aid: string): Promise<Scp03Session> {
  await card.ok(apdu('00A40400', aid, true));
  return openScp03(card, testKeys('30'), 0x01);
}

describe('The issuer’s domain under another name', () => {
  it('is selected, listed and opened by it, its domains too, and the old name is free', () =>
    onGp(async (card) => {
      await (await opened(card, ISD)).ok('80E60C00', domain);
      let before = ISD;
      for (const name of NAMES) {
        await (await opened(card, before)).ok('80E29000', tlv('4F', name));
        await card.ok(apdu('00A40400', before, true), before === name ? '9000' : '6A82');
        expect(await card.ok('00A4040000'), 'by default').include(`84${lv(name).toString('hex').toUpperCase()}`);
        const session = await opened(card, name);
        expect(await session.ok('80F28002', '4F00')).include(tlv('4F', name).toString('hex').toUpperCase());
        const listed = await session.ok('80F24002', tlv('4F', SSD));
        expect(listed, 'parent').include(tlv('CC', name).toString('hex').toUpperCase());
        await card.ok(apdu('00A40400', name, true));
        expect(await card.ok('00CA004F00'), 'GET DATA').equal(name);
        await openScp02(card, testKeys('20'), 0x03);
        await opened(card, SSD);
        before = name;
      }
    }));

  it('is not named as something else is, nor out of form, nor by a domain below it', () =>
    onGp(async (card) => {
      const issuer = await opened(card, ISD);
      await issuer.ok('80E60C00', domain);
      const bad = [
        [SSD, '6985'],
        [LOAD_FILE, '6985'],
        ['F06F70656E74736D00', '6985'],
        ['D0D1D2D3', '6A80'],
        ['D0'.repeat(17), '6A80'],
        ['', '6A80'],
      ];
      for (const [name = '', sw] of bad) expect((await issuer.send('80E29000', tlv('4F', name))).sw, name).equal(sw);
      const both = Buffer.concat([tlv('4F', 'D0D1D2D3D4'), tlv('4F', SSD)]);
      expect((await issuer.send('80E29000', both)).sw, 'all or nothing').equal('6985');
      await card.ok(apdu('80E29000', tlv('4F', 'D0D1D2D3D4'), true), '6982');
      const below = await opened(card, SSD);
      expect((await below.send('80E29000', tlv('4F', 'D0D1D2D3D4'))).sw).equal('6A88');
      await opened(card, ISD);
    }));

  it('has the one name or the other wherever the power goes', () =>
    onGp(async (card, simulated) => {
      const wanted = 'D0D1D2D3D4D501';
      let cuts = 0;
      for (let write = 1; ; write += 1) {
        const session = await opened(card, ISD);
        await simulated.cutPower({ atWrite: write });
        const struck = await session.send('80E29000', tlv('4F', wanted)).then(
          () => false,
          () => true,
        );
        await simulated.cutPower({ atWrite: 0 });
        await simulated.power('on');
        const answers = [];
        for (const name of [ISD, wanted]) answers.push((await card.send(apdu('00A40400', name, true))).sw);
        expect(answers.toSorted(), `write ${write}`).deep.equal(['6A82', '9000']);
        const name = answers[0] === '9000' ? ISD : wanted;
        const told = await (await opened(card, name)).ok('80F28002', '4F00');
        expect(told).include(tlv('4F', name).toString('hex').toUpperCase());
        if (!struck) break;
        cuts += 1;
        if (name === wanted) await (await opened(card, name)).ok('80E29000', tlv('4F', ISD));
      }
      expect(cuts).above(2);
    }));
});
