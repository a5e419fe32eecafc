// SPDX-License-Identifier: Apache-2.0
/** SCP02 with every option the page names, and more than one protocol in a domain. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, ISD, LOAD_FILE, SSD_MODULE, type TestCard, withIssuerCard } from './support/card.ts';
import {
  desSetData,
  openScp02,
  optionsOf,
  randomDesSet,
  readScp02Update,
  retailMac,
  Scp02Session,
} from './support/scp02-host.ts';
import { keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const SSD = 'F06F70656E74736D5302';
const plain = (key: Buffer): Buffer => key;
const ZERO = Buffer.alloc(8);

/** An OP_READY card with a domain of these protocols and no application provider, selected, with a key set. */
function withDomain(
  protocols: string,
  test: (card: TestCard, set: ReturnType<typeof randomDesSet>) => Promise<void>,
): () => Promise<void> {
  return withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
    const set = randomDesSet('20');
    const parameters = tlv('C9', tlv('81', protocols));
    const fields = [LOAD_FILE, SSD_MODULE, SSD, '808000', parameters];
    const data = Buffer.concat([...fields.map((field) => lv(field)), bytes('00')]);
    expect(await (await openIssuer(card)).ok('80E60C00', data, true)).equal('00');
    await card.select(SSD);
    await card.ok(apdu('80D80081', desSetData(set, plain), true));
    await test(card, set);
  });
}

describe('A session under SCP02', () => {
  for (const [option, levels] of [
    ['15', [0x00, 0x01, 0x03]],
    ['55', [0x00, 0x01, 0x03]],
    ['05', [0x01, 0x03]],
    ['17', [0x01, 0x03]],
    ['35', [0x00, 0x01, 0x03, 0x10, 0x11, 0x13]],
    ['75', [0x01, 0x03, 0x10, 0x11, 0x13]],
    ['14', [0x01, 0x03]],
  ] as const) {
    it(
      `with i = ${option} opens with the levels it has`,
      withDomain(`02${option}`, async (card, set) => {
        for (const level of levels) {
          const session = await openScp02(card, set, level, option);
          const shown = (0x80 | level).toString(16).toUpperCase();
          for (let i = 0; i < 3; i++) {
            expect(await session.ok('80CA00D3')).equal(`D301${shown}`);
            // an error has its R-MAC too
            expect(await session.ok('80CA0045', '', '6A88')).equal('');
            expect(await session.ok('80CA00D3', '5C00')).equal(`D301${shown}`);
            expect(await session.ok('00CA00D3')).equal(shown);
            if (level === 0x11) await session.ok('80FE0000', '', '6D00');
          }
        }
      }),
    );
  }

  it(
    'has a challenge that follows from the AID with i = 55, and a drawn one with i = 15',
    withDomain('0255', async (card, set) => {
      const read = async (): Promise<ReturnType<typeof readScp02Update>> =>
        readScp02Update(bytes(await card.ok(apdu('80502000', randomBytes(8), true))));
      const [first, second] = [await read(), await read()];
      expect(hex(first.cardPart)).equal(hex(second.cardPart));
      const session = new Scp02Session(card, set, first.cardPart.subarray(0, 2), optionsOf('55'));
      expect(hex(first.cardPart.subarray(2))).equal(hex(retailMac(session.cMac, ZERO, bytes(SSD)).subarray(0, 6)));
    }),
  );

  it(
    'counts with the first C-MAC that verifies, not before',
    withDomain('0215', async (card, set) => {
      const counter = async (): Promise<string> => card.ok('80CA00C100');
      expect(await counter()).equal('C1020000');
      await card.ok(apdu('80502000', randomBytes(8), true));
      await card.ok(apdu('84820100', randomBytes(16)), '6300');
      expect(await counter()).equal('C1020000');
      const session = await openScp02(card, set);
      expect(await session.ok('80CA00C1')).equal('C1020001');
      await card.ok(apdu('80500000', randomBytes(8), true));
      expect(await counter()).equal('C1020001');
    }),
  );

  it(
    'has R-MAC sessions inside: in every answer, or one value at the end',
    withDomain('0235', async (card, set) => {
      const session = await openScp02(card, set, 0x01, '35');
      await session.ok('807A1001', '03A1A2A3');
      session.level |= 0x10;
      session.ricv = session.icv;
      expect(await session.ok('80CA00D3')).equal('D30191');
      await session.ok('80CA0045', '', '6A88');
      const inside = hex(session.ricv);
      session.level = 0x01;
      expect(await session.ok('80780001')).equal(inside);
      expect(await session.ok('80780003')).equal(inside);
      expect(await session.ok('80CA00D3')).equal('D30181');
      await session.ok('80780003', '', '6985');

      await session.ok('807A0001');
      let chain = session.icv;
      const answer = await session.ok('80CA00D3');
      chain = retailMac(
        session.rMac,
        chain,
        Buffer.concat([bytes('80CA00D300'), Buffer.of(3), bytes(`${answer}9000`)]),
      );
      expect(await session.ok('80780003')).equal(hex(chain));
    }),
  );
});

describe('Implicit initiation, i = 1A', () => {
  /** A session as a host starts it: nothing is sent before the first protected command. */
  function start(card: TestCard, set: ReturnType<typeof randomDesSet>, sequence: number): Scp02Session {
    const counter = (n: number): Buffer => Buffer.of(n >> 8, n & 0xff);
    const session = new Scp02Session(card, set, counter(sequence), optionsOf('1A'), counter(sequence + 1));
    session.icv = retailMac(session.cMac, ZERO, bytes(SSD));
    session.level = 0x01;
    return session;
  }

  it(
    'opens with the first protected command, and anew behind one in clear',
    withDomain('021A', async (card, set) => {
      const session = start(card, set, 0);
      for (let i = 0; i < 3; i++) expect(await session.ok('80CA00D3')).equal('D30181');
      // in clear: the MAC goes, the peer stays
      expect(await card.ok('80CA00D300')).equal('D30180');
      const second = start(card, set, 1);
      expect(await second.ok('80CA00D3')).equal('D30181');
    }),
  );

  it(
    'is refused with a wrong MAC, and everything after it until SELECT',
    withDomain('021A', async (card, set) => {
      await card.ok(apdu('84CA00D3', randomBytes(8), true), '6982');
      await card.ok('80CA00D300', '6982');
      await card.select(SSD);
      await start(card, set, 0).ok('80CA00D3');
      await card.ok(apdu('80502000', randomBytes(8), true), '6D00');
    }),
  );
});

describe('A domain with several protocols', () => {
  it(
    'opens each by its key set, takes the lowest for 00, and says which it has',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const [des, aes] = [randomDesSet('20'), randomKeySet('30')];
      await card.ok(apdu('80D80081', desSetData(des, plain), true));
      await card.ok(apdu('80D80081', keySetData(aes, plain), true));
      expect(readScp02Update(bytes(await card.ok(apdu('80500000', randomBytes(8), true)))).kvn).equal('20');
      const scp = (n: string): string => `640B06092A864886FC6B04${n}`;
      expect(await card.ok('80CA006600')).include(scp('0215') + scp('0370'));
      const first = await openScp02(card, des);
      const second = await openScp03(card, aes);
      expect((await first.send('80CA00D3')).sw).equal('6982');
      // the other's command was none of this session's
      expect((await second.send('80CA00D3')).sw).equal('6982');
      await openScp02(card, des);
    }),
  );

  it(
    'has only those it was made with',
    withDomain('0215', async (card) => {
      const scp = (n: string): string => `640B06092A864886FC6B04${n}`;
      const told = await card.ok('80CA006600');
      expect(told).include(scp('0215'));
      expect(told).not.include('06092A864886FC6B041002');
      expect(await card.ok('80CA006700')).equal('6708A006800102810115');
      await card.ok(apdu('80D80081', keySetData(randomKeySet('30'), plain), true));
      await card.ok(apdu('80503000', randomBytes(8), true), '6A88');
      await card.ok('0022C1B60480021002', '6D00');
      await card.ok('0084000000', '6D00');
      await card.select(ISD);
    }),
  );
});
