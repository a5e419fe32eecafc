// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SimulatorError, withCard } from '../src/index.ts';
import { memory, probeA, probeImage, select, send, Write, write, written } from './fixture/probe.ts';

describe('transactions', () => {
  it(
    'keeps what was committed',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      await write(card, Write.committed, '05');
      expect(await memory(card)).to.include(written('05'));
    }),
  );

  for (const [name, mode, status] of [
    ['aborted', Write.aborted, '9000'],
    ['ended by an exception', Write.thrown, '6A81'],
    ['left open', Write.leftOpen, '9000'],
  ] as const) {
    it(
      `rolls back fields, arrays and static fields of a transaction ${name}`,
      withCard(probeImage(), async (card) => {
        await select(card, probeA);
        await write(card, Write.plain, '05');
        expect(await write(card, mode, '09')).to.equal(status);
        expect(await memory(card)).to.include(written('05'));
        expect(await write(card, Write.committed, '0A')).to.equal('9000');
      }),
    );
  }

  it(
    'rolls back a generated key pair',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      const modulus = await send(card, '8005000000');
      expect(modulus).to.have.length(260);
      expect(await send(card, '8005010000')).to.equal(modulus);
      expect(await send(card, '8005020000')).to.equal(modulus);
    }),
  );

  it(
    'leaves the PIN try counter and non-atomic writes outside',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      await write(card, Write.plain, '05');
      await send(card, '800C3300');
      expect((await memory(card)).store).to.equal('05330505');
      expect(await send(card, '800A0000040102030300')).to.equal('00019000');
      expect(await send(card, '800A0000040102030400')).to.equal('01039000');
    }),
  );

  it(
    'is all or nothing when the power ends at any write',
    withCard(probeImage(), async (card) => {
      let cut = true;
      let cuts = 0;
      for (let at = 1; cut && at <= 20; at++) {
        await select(card, probeA);
        await write(card, Write.plain, '05');
        await card.cutPower({ atWrite: at });
        cut = await write(card, Write.committed, '09').then(
          () => false,
          (error: unknown) => error instanceof SimulatorError && error.code === 'power-cut',
        );
        await card.power('on');
        await select(card, probeA);
        expect(await memory(card), `write ${at}`).to.include(written(cut ? '05' : '09'));
        cuts += cut ? 1 : 0;
      }
      expect(cuts, 'writes of one transaction').to.be.within(6, 12);
    }),
  );
});
