// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type SimulatedCard, SimulatorError, withCard } from '../src/index.ts';
import { memory, probeA, probeImage, select, send, Write, write } from './fixture/probe.ts';

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof SimulatorError ? error.code : String(error);
  }
  return 'none';
}

async function selected(card: SimulatedCard): Promise<void> {
  await select(card, probeA);
  await write(card, Write.plain, '05');
}

describe('power', () => {
  it(
    'answers nothing without power, and starts anew with it',
    withCard(probeImage(), async (card) => {
      await selected(card);
      await send(card, '80037700');
      await card.power('off');
      expect(await failure(send(card, '8002000000'))).to.equal('card-unpowered');
      await card.power('on');
      expect(await send(card, '8002000000')).to.equal('6999');
      await select(card, probeA);
      expect(await memory(card)).to.include({ store: '05050505', onDeselect: '0000', onReset: '0000' });
    }),
  );

  it(
    'ends before a command is processed',
    withCard(probeImage(), async (card) => {
      await selected(card);
      await card.cutPower({ afterApdus: 1, when: 'before-processing' });
      expect((await memory(card)).store).to.equal('05050505');
      expect(await failure(write(card, Write.plain, '09'))).to.equal('power-cut');
      expect(await failure(send(card, '8002000000'))).to.equal('card-unpowered');
      await card.power('on');
      await select(card, probeA);
      expect((await memory(card)).store).to.equal('05050505');
    }),
  );

  it(
    'ends when a command is processed but not answered',
    withCard(probeImage(), async (card) => {
      await selected(card);
      await card.cutPower({ afterApdus: 0, when: 'before-response' });
      expect(await failure(write(card, Write.plain, '09'))).to.equal('power-cut');
      await card.power('on');
      await select(card, probeA);
      expect((await memory(card)).store).to.equal('09090909');
    }),
  );

  it(
    'ends at a write outside a transaction, leaving those before it',
    withCard(probeImage(), async (card) => {
      await selected(card);
      await card.cutPower({ atWrite: 2 });
      expect(await failure(write(card, Write.plain, '09'))).to.equal('power-cut');
      await card.power('on');
      await select(card, probeA);
      expect(await memory(card)).to.include({ store: '09050505', number: '0005' });
    }),
  );

  it(
    'strikes once',
    withCard(probeImage(), async (card) => {
      await selected(card);
      await card.cutPower({ afterApdus: 0, when: 'before-processing' });
      expect(await failure(send(card, '8002000000'))).to.equal('power-cut');
      await card.power('on');
      for (let i = 0; i < 5; i++) {
        expect(await select(card, probeA)).to.equal('9000');
      }
    }),
  );
});
