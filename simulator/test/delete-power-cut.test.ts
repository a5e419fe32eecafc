// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { apdu, ISD, type TestCard, withIssuerCard } from '../../applet/test/support/card.ts';
import { openProvider, prepare, provider, SSD } from '../../applet/test/support/domains.ts';
import { openIssuer } from '../../applet/test/support/scp10-host.ts';
import { tlv } from '../../applet/test/support/tlv.ts';
import { SimulatorError } from '../src/index.ts';

const who = provider('provider a');
const MOST_WRITES = 100;

/** True when the power went at that write; the card is on again then. */
async function deleteWithCut(card: TestCard, atWrite: number): Promise<boolean> {
  await card.select(ISD);
  const issuer = await openIssuer(card);
  await card.simulated.cutPower({ atWrite });
  try {
    await issuer.ok('80E40000', tlv('4F', SSD), true);
    await card.simulated.cutPower({ atWrite: 0 });
    return false;
  } catch (error) {
    if (!(error instanceof SimulatorError) || error.code !== 'power-cut') throw error;
    await card.simulated.power('on');
    return true;
  }
}

describe('Power lost at any write of DELETE', () => {
  it(
    'leaves a domain with keys whole and working, or no trace of it',
    withIssuerCard({}, async (card) => {
      const outcomes: string[] = [];
      let modulus = await prepare(await openIssuer(card), SSD, who);
      for (let write = 1, struck = true; struck; write++) {
        expect(write, 'writes of DELETE').below(MOST_WRITES);
        struck = await deleteWithCut(card, write);
        const there = await card.send(apdu('00A40400', SSD, true));
        outcomes.push(there.sw);
        if (there.sw === '9000') {
          await openProvider(card, SSD, who, modulus);
        } else {
          await card.select(ISD);
          const issuer = await openIssuer(card);
          await issuer.ok('80F24002', tlv('4F', SSD), true, '6A88');
          modulus = await prepare(issuer, SSD, who);
          await openProvider(card, SSD, who, modulus);
        }
      }
      const committed = outcomes.indexOf('6A82');
      expect(committed, 'cuts before the commit').above(0);
      expect(outcomes.length - committed, 'cuts behind it').above(3);
      expect(
        outcomes.slice(0, committed).every((sw) => sw === '9000'),
        outcomes.join(),
      ).equal(true);
      expect(
        outcomes.slice(committed).every((sw) => sw === '6A82'),
        outcomes.join(),
      ).equal(true);
    }),
  );
});
