// SPDX-License-Identifier: Apache-2.0
/** The image for tools of others: our own domains behind the published test keys (simulator/cards/gp.json). */
import { expect } from 'chai';
import { sharedSimulator } from '../../simulator/src/index.ts';
import { apdu, ISD, TestCard } from './support/card.ts';
import { desSetData, openScp02, randomDesSet } from './support/scp02-host.ts';
import { openScp03 } from './support/scp03-host.ts';
import { entries } from './support/stored-keys.ts';
import { bytes } from './support/tlv.ts';

const key = bytes('404142434445464748494A4B4C4D4E4F');
const testKeys = (kvn: string): { kvn: string; enc: Buffer; mac: Buffer; dek: Buffer } => ({
  kvn,
  enc: key,
  mac: key,
  dek: key,
});
const scp = (n: string): string => `640B06092A864886FC6B04${n}`;

describe('The card image gp', () => {
  it('opens with SCP02 and SCP03, names both and not SCP10, and takes what tools send first', async () => {
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert('gp');
    const card = new TestCard(simulated);
    for (const select of ['00A4040000', `00A4040008${ISD}`, `00A4040008${ISD}00`, `00A4040005${ISD.slice(0, 10)}`]) {
      await card.ok(select);
    }
    expect(await card.ok('80CA9F7F00')).match(/^9F7F2A4790/);
    expect(await card.ok('00CA9F7F00')).match(/^4790/);
    expect(await card.ok('80CA006600')).include(scp('0215') + scp('0370'));
    expect(await card.ok('80CA006600')).not.include('2A864886FC6B0410');
    expect(await card.ok('80CA006700')).equal(
      '672FA009800103810170820107A0068001028101158103FFFF8082031E1F0083040102030485017F86013C87017F880100',
    );
    expect(await card.ok('80CA00C100')).equal('C1020000');
    expect(await card.ok('80CA00CF00')).equal('CF0A00004701016548120110');
    expect(entries(await card.ok('80CA00E000'))).deep.equal([
      '01208010',
      '02208010',
      '03208010',
      '01308810',
      '02308810',
      '03308810',
    ]);
    const scp02 = await openScp02(card, testKeys('20'), 0x03);
    expect(await scp02.ok('80F28002', '4F00')).include('4F08A000000151000000');
    const other = randomDesSet('21');
    await scp02.ok(
      '80D80081',
      desSetData(other, (plain) => scp02.seal(plain)),
    );
    await scp02.ok('80E40000', 'D20121');
    await scp02.ok('80E28800', '0070044202AABB');
    expect(await scp02.ok('00CA0042')).equal('AABB');
    const scp03 = await openScp03(card, testKeys('30'), 0x33);
    expect(await scp03.ok('80F22002', '4F00')).include('F06F70656E74736D01');
    expect(await scp03.ok('80CAFF21')).match(/^FF21..8101/);
    expect(await scp03.ok('80CA2F00', '5C00')).equal('2F000C610A4F08A000000151000000');
    await scp03.ok('80F0807F');
    await card.select(ISD, '6283');
    const unlocks = await openScp02(card, testKeys('20'), 0x01);
    await unlocks.ok('80F0800F');
    await card.ok(apdu('00A40400', ISD, true));
  });
});
