// SPDX-License-Identifier: Apache-2.0
/** Power that ends at any write of a transaction: money is on the card once or not at all, with its proof. */
import { expect } from 'chai';
import { SimulatorError } from '../../simulator/src/index.ts';
import { apdu } from './support/card.ts';
import { PURSE, type PurseTerminal, TERMINAL, WHEN, withPurse } from './support/purse-card.ts';
import { sessionMac } from './support/purse-host.ts';

/** What a transaction leaves: balance, counters by INITIALIZE, newest row of the log, proofs. */
async function look(terminal: PurseTerminal, proof: string): Promise<readonly string[]> {
  const { card } = terminal;
  const row = await card.send('00B201C417');
  const load = await card.ok(`805000020B0100000000${TERMINAL}10`);
  const pay = await card.ok(`805001020B0100000000${TERMINAL}0F`);
  return [
    await terminal.balance(),
    load.slice(8, 12),
    pay.slice(8, 12),
    row.data.toString('hex'),
    (await card.send(proof)).sw,
  ];
}

/** Cuts the power at each write of `commit` in turn, until one run is not cut; every run is before or after. */
async function cutEverywhere(
  terminal: PurseTerminal,
  proofOf: (step: number) => string,
  prepare: () => Promise<Buffer>,
): Promise<number> {
  const { card } = terminal;
  let done = 0;
  for (let write = 1; ; write++) {
    const before = await look(terminal, proofOf(done + 1));
    const commit = await prepare();
    await card.simulated.cutPower({ atWrite: write });
    const cut = await card.exchange(commit).then(
      () => false,
      (error: unknown) => {
        if (error instanceof SimulatorError && error.code === 'power-cut') return true;
        throw error;
      },
    );
    await card.simulated.cutPower({ atWrite: 0 });
    if (cut) await card.simulated.power('on');
    await card.select(PURSE);
    const after = await look(terminal, proofOf(done + 1));
    const changed = after.map((value, i) => value !== before[i]);
    // balance, this counter, log and proof go together; the other counter stays
    const moved = changed[0];
    expect([changed[3], changed[4]], `write ${write}: ${before} -> ${after}`).deep.equal([moved, moved]);
    expect(changed[1] !== changed[2], `write ${write}: one counter`).equal(moved);
    if (!cut) {
      expect(moved, 'a run that was not cut').equal(true);
      return write;
    }
    if (moved) done += 1;
  }
}

describe('Power cut at every write', () => {
  for (const algorithm of ['3des', 'aes'] as const) {
    it(
      `a load, ${algorithm}`,
      withPurse({ algorithm }, async (terminal) => {
        const writes = await cutEverywhere(
          terminal,
          (step) => `805A000202${step.toString(16).padStart(4, '0')}00`,
          async () => terminal.credit((await terminal.initializeLoad('00000010')).mac2),
        );
        expect(writes, 'writes of a load').greaterThan(2);
      }),
    );
  }

  it(
    'a purchase with records of compound applications',
    withPurse({}, async (terminal) => {
      await terminal.load('00001000');
      const { card, keys } = terminal;
      const writes = await cutEverywhere(
        terminal,
        (step) => `805A000902${step.toString(16).padStart(4, '0')}00`,
        async () => {
          // The records of the try before go with its balance.
          const spent = 0x1000 - Number.parseInt(await terminal.balance(), 16);
          for (const tag of ['21', '24']) {
            const record = Number.parseInt((await card.ok(`00B2${tag}B800`)).slice(6), 16);
            expect(record, 'the record goes with the debit').equal(spent / 0x10);
          }
          const wanted = spent / 0x10 + 1;
          const answer = await card.ok(`805003020B0100000010${TERMINAL}0F`);
          const session = {
            random: answer.slice(22),
            counter: answer.slice(8, 12),
            type: '09',
            terminalCounter: '00000001',
          };
          await card.ok(`80DC21B806210400${wanted.toString(16).padStart(6, '0')}`);
          await card.ok(`80DC24B804240200${wanted.toString(16).padStart(2, '0')}`);
          const mac = sessionMac('aes', keys.load, session, `0000001009${TERMINAL}${WHEN}`);
          return apdu('80540100', `00000001${WHEN}${mac}`, true);
        },
      );
      expect(writes, 'writes of such a purchase').greaterThan(3);
    }),
  );

  it(
    'a purchase',
    withPurse({}, async (terminal) => {
      await terminal.load('00001000');
      const { card, keys } = terminal;
      const writes = await cutEverywhere(
        terminal,
        (step) => `805A000602${step.toString(16).padStart(4, '0')}00`,
        async () => {
          const answer = await card.ok(`805001020B0100000010${TERMINAL}0F`);
          const session = {
            random: answer.slice(22),
            counter: answer.slice(8, 12),
            type: '06',
            terminalCounter: '00000001',
          };
          const mac = sessionMac('aes', keys.load, session, `0000001006${TERMINAL}${WHEN}`);
          return apdu('80540100', `00000001${WHEN}${mac}`, true);
        },
      );
      expect(writes, 'writes of a purchase').greaterThan(2);
    }),
  );
});
