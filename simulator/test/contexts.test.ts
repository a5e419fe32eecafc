// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { withCard } from '../src/index.ts';
import { memory, probeA, probeB, probeImage, select, send } from './fixture/probe.ts';

describe('contexts', () => {
  it(
    'runs a shared method in the server context, names the client, and switches back',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await send(card, `8007000007${probeB}00`)).to.equal(`${probeB}${probeA}${probeA}9000`);
    }),
  );

  it(
    'hands the status word of a shared method to the client',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await send(card, `8007010007${probeB}00`)).to.equal('6A99');
      expect(await send(card, `8007000007${probeB}00`)).to.equal(`${probeB}${probeA}${probeA}9000`);
    }),
  );

  it(
    'clears RAM on deselect and on reset, each its own',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      await send(card, '80037700');
      expect(await memory(card)).to.include({ onDeselect: '7700', onReset: '7700' });
      await select(card, probeB);
      await select(card, probeA);
      expect(await memory(card)).to.include({ onDeselect: '0000', onReset: '7700' });
      await card.reset();
      await select(card, probeA);
      expect(await memory(card)).to.include({ onDeselect: '0000', onReset: '0000' });
    }),
  );
});
