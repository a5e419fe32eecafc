// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { withCard } from '../src/index.ts';
import { probeA, probeImage, select, send, Write, write } from './fixture/probe.ts';

describe('accounting', () => {
  it(
    'counts commands, writes to persistent memory only, and allocations after install',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      const start = await card.statistics();
      expect(start.allocationsAfterInstall).to.equal(0);
      await send(card, '80037700');
      expect((await card.statistics()).persistentWrites, 'RAM is not counted').to.equal(start.persistentWrites);
      await write(card, Write.plain, '05');
      const after = await card.statistics();
      expect(after.persistentWrites - start.persistentWrites).to.equal(6);
      expect(after.apdus - start.apdus).to.equal(2);
      await send(card, '80090000');
      expect((await card.statistics()).allocationsAfterInstall).to.equal(1);
    }),
  );

  it(
    'measures the CPU time of card cryptography',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect((await card.statistics()).cryptoCpuMs).to.equal(0);
      await send(card, '8005000000');
      expect((await card.statistics()).cryptoCpuMs).to.be.greaterThan(0.5);
    }),
  );

  it(
    'measures the largest transaction by the bytes it changed',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect((await card.statistics()).largestTransaction).to.equal(0);
      await write(card, Write.plain, '05');
      expect((await card.statistics()).largestTransaction, 'no transaction').to.equal(0);
      await write(card, Write.committed, '06');
      expect((await card.statistics()).largestTransaction).to.be.within(1, 16);
    }),
  );

  it(
    'finds no allocation after install in the security domains',
    withCard('plain', async (card) => {
      await send(card, '00A4040000');
      await send(card, '80CA7F2100');
      const { allocationsAfterInstall, persistentWrites } = await card.statistics();
      expect(allocationsAfterInstall).to.equal(0);
      expect(persistentWrites).to.be.greaterThan(20);
    }),
  );
});
