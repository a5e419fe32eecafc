// SPDX-License-Identifier: Apache-2.0
/** The purse as a CAP in the card: published values, accounts, log, proofs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../toolchain/test/run.ts';
import { apdu } from './support/card.ts';
import { PURSE, SERIAL, TERMINAL, WHEN, withPurse } from './support/purse-card.ts';
import { type Algorithm, sessionMac, tacOf } from './support/purse-host.ts';
import { bytes, hex, valueAt } from './support/tlv.ts';

/** Read by the host's suite too. */
const vectors = JSON.parse(readFileSync(join(ROOT, 'host/test/vectors/purse/cryptograms.json'), 'utf8')) as {
  readonly transactions: readonly Record<string, string>[];
};
const vector = (kind: string, algorithm: Algorithm): Record<string, string> => {
  const found = vectors.transactions.find((row) => row.kind === kind && row.algorithm === algorithm);
  if (found === undefined) throw new RangeError(`no ${algorithm} ${kind}`);
  return found;
};
/** Three challenges of 16 bytes, then what the purse draws. */
const drawing = (random: string | undefined): string => `${'00'.repeat(48)}${random}`;

describe('The purse', () => {
  for (const algorithm of ['3des', 'aes'] as const) {
    const load = vector('load', algorithm);
    it(
      `answers the published values of a load: ${load.name}`,
      withPurse({ algorithm, randomBytes: drawing(load.random) }, async ({ card }) => {
        const { type, amount, terminal, date, time, mac1, mac2, tac, balance, counter, random } = load;
        const tag = algorithm === 'aes' ? 'A1' : '01';
        expect(await card.ok(`805000${type}0B01${amount}${terminal}10`)).equal(
          `${balance}${counter}01${tag}${random}${mac1}`,
        );
        expect(await card.ok(apdu('80520000', `${date}${time}${mac2}`, true))).equal(tac);
        expect(await card.ok(`805C00${type}04`)).equal(load.balanceAfter);
        expect(await card.ok(`805A00${type}02000100`), 'proof').equal(`00000000${tac}`);
      }),
    );
  }

  it(
    'pays from what was loaded, and gives the proof of both in any order',
    withPurse({}, async (terminal) => {
      await terminal.load('00001000');
      const { card, keys } = terminal;
      const answer = await card.ok(`805001020B0100000400${TERMINAL}0F`);
      expect(answer.slice(0, 18), 'balance, counter, overdraft').equal('000010000000000000');
      const session = { random: answer.slice(22), counter: '0000', type: '06', terminalCounter: '00000007' };
      const mac = sessionMac('aes', keys.load, session, `0000040006${TERMINAL}${WHEN}`);
      const paid = await card.ok(apdu('80540100', `00000007${WHEN}${mac}`, true));
      const tac = tacOf('aes', keys.tac, `0000040006${TERMINAL}00000007${WHEN}`);
      const mac2 = sessionMac('aes', keys.load, session, '00000400');
      expect(paid).equal(`${tac}${mac2}`);
      expect(await terminal.balance()).equal('00000C00');
      await card.simulated.reset();
      await card.select(PURSE);
      expect(await card.ok('805A000602000100')).equal(`${mac2}${tac}`);
      expect((await card.ok('805A000202000100')).slice(0, 8)).equal('00000000');
      expect(await card.ok('00B201C417')).equal(`00010000000000040006${TERMINAL}${WHEN}`);
      expect(await card.ok('00B202C417')).equal(`00010000000000100002${TERMINAL}${WHEN}`);
      await card.ok('00B203C417', '6A83');
    }),
  );

  it(
    'changes records of compound applications with the debit that they belong to',
    withPurse({}, async (terminal) => {
      await terminal.load('00001000');
      const { card, keys } = terminal;
      expect(await card.ok('00B221B800')).equal('210400000000');
      const answer = await card.ok(`805003020B0100000000${TERMINAL}0F`);
      const session = { random: answer.slice(22), counter: '0000', type: '09', terminalCounter: '00000001' };
      await card.ok('80DC21B806210400112233');
      expect(await card.ok('00B221B800'), 'and no other command in between').equal('210400000000');
      const mac = sessionMac('aes', keys.load, session, `0000000009${TERMINAL}${WHEN}`);
      await card.ok(apdu('80540100', `00000001${WHEN}${mac}`, true), '6985');

      const again = await card.ok(`805003020B0100000300${TERMINAL}0F`);
      const second = { ...session, random: again.slice(22) };
      for (const update of ['21B806210400445566', '24B80424020077', '21B806210400112233'])
        await card.ok(`80DC${update}`);
      const debit = sessionMac('aes', keys.load, second, `0000030009${TERMINAL}${WHEN}`);
      const paid = await card.ok(apdu('80540100', `00000001${WHEN}${debit}`, true));
      expect(paid.slice(0, 8)).equal(tacOf('aes', keys.tac, `0000030009${TERMINAL}00000001${WHEN}`));
      expect(await card.ok('00B221B800')).equal('210400112233');
      expect(await card.ok('00B224B800')).equal('24020077');
      expect(await terminal.balance()).equal('00000D00');
      expect(await card.ok('805A000902000100')).equal(`${paid.slice(8)}${paid.slice(0, 8)}`);
    }),
  );

  it(
    'unloads the deposit and moves its overdraft limit',
    withPurse({ algorithm: '3des', pin: true }, async (terminal) => {
      const { card, keys } = terminal;
      await card.ok('0020000003123456');
      await terminal.load('00002000', '01');
      const unload = await card.ok(`805005010B0100000500${TERMINAL}10`);
      const out = { random: unload.slice(16, 24), counter: '0001', type: '03' };
      expect(unload.slice(24)).equal(sessionMac('3des', keys.load, out, `000020000000050003${TERMINAL}`));
      const mac2 = sessionMac('3des', keys.load, out, `0000050003${TERMINAL}${WHEN}`);
      const mac3 = sessionMac('3des', keys.load, out, `00001B0000010000050003${TERMINAL}${WHEN}`);
      expect(await card.ok(apdu('80540300', `${WHEN}${mac2}`, true))).equal(mac3);

      const update = await card.ok(`805004010701${TERMINAL}13`);
      const limit = { random: update.slice(22, 30), counter: '0002', type: '07' };
      expect(update.slice(30)).equal(sessionMac('3des', keys.load, limit, `00001B0000000007${TERMINAL}`));
      const allow = sessionMac('3des', keys.load, limit, `0003E807${TERMINAL}${WHEN}`);
      const tac = tacOf('3des', keys.tac, `00001EE800020003E807${TERMINAL}${WHEN}`);
      expect(await card.ok(apdu('80580000', `0003E8${WHEN}${allow}`, true))).equal(tac);
      expect(await terminal.balance('01')).equal('00001EE8');
      expect((await card.ok(`805001010B0100000001${TERMINAL}0F`)).slice(12, 18), 'overdraft').equal('0003E8');
    }),
  );

  it(
    'keeps ten rows of the log, allocates nothing and names its serial in SELECT',
    withPurse({}, async (terminal, simulated) => {
      const before = (await simulated.statistics()).allocationsAfterInstall;
      for (let i = 1; i <= 12; i++) await terminal.load(i.toString(16).padStart(8, '0').toUpperCase());
      expect((await simulated.statistics()).allocationsAfterInstall).equal(before);
      expect((await terminal.card.ok('00B201C417')).slice(0, 18)).equal('000C0000000000000C');
      expect((await terminal.card.ok('00B20AC417')).slice(0, 4)).equal('0003');
      await terminal.card.ok('00B20BC417', '6A83');
      const fci = bytes(await terminal.card.select(PURSE));
      expect(hex(valueAt(fci, '6F', 'A5', '5A'))).equal(SERIAL);
      expect(hex(valueAt(fci, '6F', 'A5', 'C4'))).equal('CAFE');
    }),
  );
});
