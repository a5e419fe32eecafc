// SPDX-License-Identifier: Apache-2.0
/** What the purse refuses: wrong and replayed MACs, order, limits, other ways to its keys. */
import { expect } from 'chai';
import { apdu, type TestCard } from './support/card.ts';
import { openProvider, personalizationData, SSD } from './support/domains.ts';
import { rsaKey } from './support/keys.ts';
import {
  enciphered,
  KEYS,
  keyObject,
  keyObjects,
  owner,
  PURSE,
  personalise,
  publicObjects,
  TERMINAL,
  WHEN,
  withPurse,
  withPurseDomain,
} from './support/purse-card.ts';
import { sessionMac } from './support/purse-host.ts';
import { bytes } from './support/tlv.ts';

const flipped = (mac: string): string =>
  ((Number.parseInt(mac, 16) ^ 1) >>> 0).toString(16).padStart(8, '0').toUpperCase();

describe('The purse refuses', () => {
  it(
    'a wrong MAC2, and leaves nothing open behind it',
    withPurse({}, async (terminal) => {
      const { mac2 } = await terminal.initializeLoad('00001000');
      await terminal.card.ok(terminal.credit(flipped(mac2)), '9302');
      await terminal.card.ok(terminal.credit(mac2), '6985');
      expect(await terminal.balance()).equal('00000000');
      await terminal.card.ok('805A000202000100', '9406');
    }),
  );

  it(
    'the same MAC2 a second time, and under another load',
    withPurse({}, async (terminal) => {
      const { mac2 } = await terminal.initializeLoad('00001000');
      await terminal.card.ok(terminal.credit(mac2));
      await terminal.card.ok(terminal.credit(mac2), '6985');
      await terminal.initializeLoad('00001000');
      await terminal.card.ok(terminal.credit(mac2), '9302');
      expect(await terminal.balance()).equal('00001000');
    }),
  );

  it(
    'the MAC2 of a load that a query came after',
    withPurse({}, async (terminal) => {
      const open = await terminal.initializeLoad('00001000');
      const query = await terminal.initializeLoad('00001000', '02', 'A1B2C3D4E5F6');
      expect(query.counter).equal(open.counter);
      await terminal.card.ok(terminal.credit(open.mac2), '9302');
      expect(await terminal.balance()).equal('00000000');
    }),
  );

  it(
    'a commit after any other command, after a reset and for another transaction',
    withPurse({}, async (terminal) => {
      const { card } = terminal;
      const commit = `${WHEN}00000000`;
      await card.ok(apdu('80520000', commit, true), '6985');
      for (const between of ['805C000204', '00B201C417', '805A000202000100', '80FF000000']) {
        const { mac2 } = await terminal.initializeLoad('00000001');
        await card.send(between);
        await card.ok(terminal.credit(mac2), '6985');
      }
      const reset = await terminal.initializeLoad('00000001');
      await card.simulated.reset();
      await card.select(PURSE);
      await card.ok(terminal.credit(reset.mac2), '6985');
      const { mac2 } = await terminal.initializeLoad('00000001');
      await card.ok(apdu('80540300', `${WHEN}${mac2}`, true), '6985');
      await card.ok(`805001020B0100000000${TERMINAL}0F`);
      await card.ok(terminal.credit(mac2), '6985');
      expect(await terminal.balance()).equal('00000000');
    }),
  );

  it(
    'a load over the limit or over four bytes, a purchase over the balance',
    withPurse({ maxima: '00001000FFFFFFFF' }, async (terminal) => {
      const { card } = terminal;
      await card.ok(`805000010B0100001001${TERMINAL}10`, '6985');
      await terminal.load('00001000', '01');
      await card.ok(`805000010B0100000001${TERMINAL}10`, '6985');
      await terminal.load('FFFFFFF0');
      await card.ok(`805000020B0100000010${TERMINAL}10`, '6985');
      await terminal.load('0000000F');
      expect(await terminal.balance()).equal('FFFFFFFF');
      await terminal.load('00000000');
      await card.ok(`805001010B0100000000${TERMINAL}0F`, '6982');
    }),
  );

  it(
    'a purchase over the balance by one cent',
    withPurse({}, async (terminal) => {
      await terminal.load('00000100');
      await terminal.card.ok(`805001020B0100000101${TERMINAL}0F`, '9401');
      await terminal.card.ok(`805001020B0100000100${TERMINAL}0F`);
    }),
  );

  it(
    'keys that it has not, wrong lengths, parameters and classes',
    withPurse({}, async ({ card }) => {
      for (const [command, sw] of [
        [`805000020B0200000001${TERMINAL}10`, '9403'],
        [`805000020B0000000001${TERMINAL}10`, '9403'],
        [`805000020B7F00000001${TERMINAL}10`, '9403'],
        [`805000030B0100000001${TERMINAL}10`, '6A86'],
        [`805005020B0100000001${TERMINAL}10`, '6A86'],
        [`805002020B0100000001${TERMINAL}10`, '6A86'],
        [`805000020A01000000010011223344 10`, '6700'],
        [`005000020B0100000001${TERMINAL}10`, '6E00'],
        ['805C000004', '6A86'],
        ['805C000304', '6A86'],
        ['00B201C517', '6A86'],
        ['00B200C417', '6A83'],
        ['80E2900002C10000', '6D00'],
        ['80500402070100112233445513', '6A86'],
        ['805A00FF02000100', '9406'],
        ['805A000002000100', '9406'],
        ['0020000003123456', '6985'],
      ] as const) {
        await card.ok(command.replace(' ', ''), sw);
      }
    }),
  );

  it(
    'limits over the maximum under right MACs, as often as they come, and does not count them as wrong ones',
    withPurse({ algorithm: '3des' }, async (terminal) => {
      const { card, keys } = terminal;
      const update = async (limit: string, sw: string) => {
        const opened = await card.ok(`805004010701${TERMINAL}13`);
        const session = { random: opened.slice(22, 30), counter: '0000', type: '07' };
        const mac2 = sessionMac('3des', keys.load, session, `${limit}07${TERMINAL}${WHEN}`);
        await card.ok(apdu('80580000', `${limit}${WHEN}${mac2}`, true), sw);
      };
      for (let refused = 0; refused < 16; refused++) await update('FFFFFF', '6985');
      await update('0003E8', '9000');
      expect(await terminal.balance('01')).equal('000003E8');
    }),
  );

  it(
    'a key after fifteen wrong MACs in a row, for ever; a right one in time starts the count anew',
    withPurse({}, async (terminal, simulated) => {
      const wrong = async (times: number): Promise<void> => {
        for (let i = 0; i < times; i++) {
          const { mac2 } = await terminal.initializeLoad('00000001');
          await terminal.card.ok(terminal.credit(flipped(mac2)), '9302');
        }
      };
      await wrong(14);
      await terminal.load('00000001');
      await wrong(15);
      await terminal.card.ok(`805000020B0100000001${TERMINAL}10`, '9303');
      await simulated.reset();
      await terminal.card.select(PURSE);
      await terminal.card.ok(`805000020B0100000001${TERMINAL}10`, '9303');
      await terminal.card.ok(`805001020B0100000001${TERMINAL}0F`);
    }),
  );

  it(
    'loads without the PIN where there is one, and a PIN after three wrong tries',
    withPurse({ pin: true }, async (terminal) => {
      const { card } = terminal;
      const load = `805000020B0100000001${TERMINAL}10`;
      await card.ok(load, '6982');
      await card.ok('0020000003123457', '63C2');
      await card.ok('0020000003123456');
      await card.ok(load);
      await card.select(SSD);
      await card.select(PURSE);
      await card.ok(load, '6982');
      await card.ok('0020000003000000', '63C2');
      await card.ok('0020000003000000', '63C1');
      await card.ok('0020000003000000', '63C0');
      await card.ok('0020000003123456', '6983');
      await card.ok(`805001020B0100000000${TERMINAL}0F`);
    }),
  );

  it(
    'a terminal counter other than the one its MAC1 is made with',
    withPurse({}, async ({ card, keys }) => {
      const answer = await card.ok(`805001020B0100000000${TERMINAL}0F`);
      const session = { random: answer.slice(22), counter: '0000', type: '06', terminalCounter: '00000001' };
      const mac = sessionMac('aes', keys.load, session, `0000000006${TERMINAL}${WHEN}`);
      await card.ok(apdu('80540100', `00000002${WHEN}${mac}`, true), '9302');
      await card.ok(apdu('80540100', `00000001${WHEN}${mac}`, true), '6985');
    }),
  );
});

describe('Records of compound applications', () => {
  it(
    'are written in their dialogue alone, in their form, unless they are locked',
    withPurse({}, async (terminal) => {
      const { card } = terminal;
      await terminal.load('00001000');
      const begin = `805003020B0100000001${TERMINAL}0F`;
      await card.ok('80DC21B806210400112233', '6985');
      for (const [update, sw] of [
        ['80DC21B006210400112233', '6A82'],
        ['80DC23B806230400112233', '6A83'],
        ['80DC00B806000400112233', '6A83'],
        ['80DC22B806220400112233', '9407'],
        ['80DC21B80721050011223344', '6A84'],
        ['80DC21B8052103001122', '6A80'],
        ['80DC21B806220400112233', '6A80'],
      ] as const) {
        await card.ok(begin);
        await card.ok(update, sw);
        await card.ok('80DC21B806210400112233', '6985');
      }
      await card.ok(`805001020B0100000001${TERMINAL}0F`);
      await card.ok('80DC21B806210400112233', '6985');
      const answer = await card.ok(begin);
      const session = { random: answer.slice(22), counter: '0000', type: '09', terminalCounter: '00000001' };
      const mac = sessionMac('aes', terminal.keys.load, session, `0000000109${TERMINAL}${WHEN}`);
      await card.ok(apdu('80540100', `00000001${WHEN}${mac}`, true), '6985');
      expect(await card.ok('00B221B800')).equal('210400000000');
      expect(await terminal.balance()).equal('00001000');
    }),
  );
});

describe('Personalisation of the purse', () => {
  const everything = async (card: TestCard): Promise<void> => {
    await card.select(PURSE);
    for (const command of ['805C000204', `805000020B0100000001${TERMINAL}10`, '00B201C417', '0020000003123456']) {
      await card.ok(command, '6985');
    }
  };

  it(
    'is done before anything else works, once, and by the owner of its domain alone',
    withPurseDomain(async (card, session) => {
      await everything(card);
      await card.select(SSD);
      await card.ok(apdu('80E62000', personalizationData(PURSE), true), '6982');
      await card.ok(apdu('80E29000', publicObjects()), '6982');
      const again = await openProvider(card, SSD, owner, rsaKey('purse domain').n);
      await personalise(again);
      await again.ok('80E62000', personalizationData(PURSE), true);
      await again.ok('80E21000', publicObjects(), false, '6985');
      await card.select(PURSE);
      await card.ok('805C000204');
      expect(session.card).equal(card);
    }),
  );

  it(
    'is refused by its domain for what is not there, not an application, or not its own',
    withPurseDomain(async (_card, session) => {
      for (const aid of ['F06F70656E74736D5009', SSD, 'A000000151000000']) {
        await session.ok('80E62000', personalizationData(aid), true, '6A88');
      }
      await session.ok('80E62001', personalizationData(PURSE), true, '6A86');
    }),
  );

  for (const [name, data, sw] of [
    ['a tag of nobody', 'C6 01 00', '6A80'],
    ['a record of another length than it says', 'C5 05 2104001122', '6A80'],
    ['a length over the end', '5A 09 4100000089999985', '6A80'],
    ['a key of fifteen bytes', `C3 12 010101${'11'.repeat(15)}`, '6A80'],
    ['bytes behind the filling', '00 01', '6A80'],
    ['a PIN of one byte', 'C2 01 12', '6A80'],
  ] as const) {
    it(
      `is refused with ${name}, and begun again`,
      withPurseDomain(async (card, session) => {
        await session.ok('80E62000', personalizationData(PURSE), true);
        await session.ok('80E21000', bytes(data), false, sw);
        await session.ok('80E22000', publicObjects(), false, '6A86');
        await everything(card);
        await personalise(await openProvider(card, SSD, owner, rsaKey('purse domain').n));
        await card.select(PURSE);
        await card.ok('805C000204');
      }),
    );
  }

  it(
    'does not end without the keys it needs, nor with a TAC key whose halves are alike',
    withPurseDomain(async (card, session) => {
      await session.ok('80E62000', personalizationData(PURSE), true);
      await session.ok('80E29000', publicObjects(), false, '6985');
      const alike = Buffer.concat([keyObject('01', KEYS['3des'].load), keyObject('03', '1122334455667788'.repeat(2))]);
      await session.ok('80E2F001', enciphered(session, alike), false, '6A80');
      await session.ok('80E2F001', enciphered(session, keyObject('01', KEYS['3des'].load)), false, '6985');
      await session.ok('80E2F001', enciphered(session, keyObjects(KEYS['3des'])).subarray(1), false, '6A80');
      await everything(card);
    }, '3des'),
  );
});
