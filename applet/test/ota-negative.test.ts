// SPDX-License-Identifier: Apache-2.0
/** Packets that must not run, and what the card says to them (TS 102 225 table 5). */
import { expect } from 'chai';
import type { TestCard } from './support/card.ts';
import { onOtaCard, openPlainStatus, PacketCard, randomKeys } from './support/ota-card.ts';
import {
  commandPacket,
  deliver,
  envelopes,
  openResponse,
  type PacketFields,
  sendPacket,
} from './support/packet-host.ts';
import { bytes, hex } from './support/tlv.ts';

const aes = randomKeys(1, 'AES');
const des = randomKeys(2, 'DES');
const SPI = '1619';
const TAR = '000000';
const data = bytes('80F28000024F00');

async function status(card: TestCard, packet: Buffer, spi = SPI): Promise<string> {
  const answer = await sendPacket(card, packet);
  if (answer.sw === '9000') return openResponse(answer.data, spi, aes).status;
  expect(answer.sw).equal('6200');
  return openPlainStatus(answer.data, spi, aes);
}

const packet = (fields: Partial<PacketFields>): Buffer => commandPacket({ spi: SPI, tar: TAR, data, ...fields }, aes);

describe('A packet', () => {
  it('runs once: a replay and a lower counter change nothing, and nor does a reset', () =>
    onOtaCard({ keys: [aes] }, async (card, simulated) => {
      expect(await status(card, packet({ counter: 7n }))).equal('00');
      const before = (await simulated.statistics()).persistentWrites;
      for (const counter of [7n, 6n, 0n]) expect(await status(card, packet({ counter }))).equal('02');
      expect((await simulated.statistics()).persistentWrites).equal(before);
      await simulated.reset();
      expect(await status(card, packet({ counter: 7n }))).equal('02');
      expect(await status(card, packet({ counter: 0x0100000000n }))).equal('00');
      expect(await status(card, packet({ counter: 8n }))).equal('02');
    }));

  it('has the next counter exactly where it says so', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const spi = '1E19';
      expect(await status(card, packet({ spi, counter: 0xffn }), spi), 'not the first one').equal('03');
      expect(await status(card, packet({ counter: 0xffn }))).equal('00');
      expect(await status(card, packet({ spi, counter: 0x101n }), spi)).equal('03');
      expect(await status(card, packet({ spi, counter: 0xffn }), spi)).equal('02');
      expect(await status(card, packet({ spi, counter: 0x100n }), spi)).equal('00');
    }));

  it('blocks its key set with the last counter, and no other one', () =>
    onOtaCard({ keys: [aes, des] }, async (card) => {
      expect(await status(card, packet({ counter: 0xffffffffffn }))).equal('00');
      for (const counter of [0n, 1n, 0xffffffffffn]) expect(await status(card, packet({ counter }))).equal('04');
      expect((await new PacketCard(card, des).script(['80CA006600'])).status).equal('00');
    }));

  it('is wrong with any byte changed', () =>
    onOtaCard({ keys: [aes] }, async (card, simulated) => {
      const good = packet({ counter: 1n });
      const before = (await simulated.statistics()).persistentWrites;
      for (let at = 0; at < good.length; at++) {
        const wrong = Buffer.from(good);
        wrong[at] = (wrong[at] ?? 0) ^ 0x04;
        const answer = await sendPacket(card, wrong);
        // without the length, or where SPI asks for no answer, there is none
        if (answer.data.length > 0) expect(openPlainStatus(answer.data, SPI, aes), `byte ${at}`).not.equal('00');
      }
      expect((await simulated.statistics()).persistentWrites).equal(before);
      expect(await status(card, good)).equal('00');
    }));

  it('is wrong when it is cut off or longer than it says', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const good = packet({ counter: 1n });
      for (const wrong of [...good.keys()].map((length) => good.subarray(0, length)))
        for (const envelope of envelopes(wrong)) expect(await card.ok(envelope), `${wrong.length} bytes`).equal('');
      expect(await card.ok(deliver(bytes('7000'), Buffer.concat([good, Buffer.of(0)])))).equal('');
      const short = Buffer.from(good.subarray(0, 30));
      short[1] = 28;
      expect(openPlainStatus((await sendPacket(card, short)).data, SPI, aes)).equal('05');
      expect(await status(card, good)).equal('00');
    }));

  const refused: readonly (readonly [string, Partial<PacketFields>, string])[] = [
    ['for nobody', { tar: 'A1B2C3' }, '09'],
    ['without checksum', { spi: '1419' }, '0A'],
    ['with a CRC in place of a checksum', { spi: '1519', kid: 0x15 }, '0A'],
    ['not ciphered', { spi: '1219' }, '0A'],
    ['without counter', { spi: '0619' }, '0A'],
    ['whose counter is not checked', { spi: '0E19' }, '0A'],
    ['with a digital signature', { spi: '1719' }, '06'],
    ['with reserved bits', { spi: '3619' }, '06'],
    ['with the first reserved bit of its answer', { spi: '1659' }, '06'],
    ['with the second reserved bit of its answer', { spi: '1699' }, '06'],
    ['whose answer is asked for at a time that is reserved', { spi: '161B' }, '06'],
    ['with single DES to cipher', { kic: 0x11 }, '05'],
    ['with DES in ECB mode', { kic: 0x1d }, '05'],
    ['with single DES in the checksum', { kid: 0x11 }, '06'],
    ['with an algorithm of another key', { kid: 0x15 }, '06'],
    ['with a key set that is not there', { kic: 0x32 }, '05'],
    ['with a checksum of a set that is not there', { kid: 0x32 }, '06'],
    ['with a checksum of four bytes', { signed: 4 }, '06'],
  ];
  for (const [name, fields, expected] of refused)
    it(`is refused ${name}`, () =>
      onOtaCard({ keys: [aes] }, async (card, simulated) => {
        const before = (await simulated.statistics()).persistentWrites;
        const wrong = packet({ counter: 5n, ...fields });
        const answer = await sendPacket(card, wrong);
        expect(answer.sw).equal('6200');
        expect(openResponse(answer.data, SPI, aes, true).status).equal(expected);
        expect((await simulated.statistics()).persistentWrites, 'no counter is stored').equal(before);
        expect(await status(card, packet({ counter: 1n }))).equal('00');
      }));

  it('has a checksum of four bytes where the card takes them, with AES alone, and is answered with one', () =>
    onOtaCard({ keys: [aes, des], level: '1604' }, async (card) => {
      const answer = await sendPacket(card, packet({ counter: 1n, signed: 4 }));
      expect(openResponse(answer.data, SPI, aes, false, 4).status).equal('00');
      expect(await status(card, packet({ counter: 2n }))).equal('00');
      for (const signed of [0, 1, 2, 3, 5, 7]) {
        const { data: wrong } = await sendPacket(card, packet({ counter: 3n, signed }));
        expect(openPlainStatus(wrong, SPI, aes), `${signed} bytes`).equal('06');
      }
      const forged = packet({ counter: 3n, signed: 4 });
      forged[20] = (forged[20] ?? 0) ^ 1;
      expect(openPlainStatus((await sendPacket(card, forged)).data, SPI, aes)).equal('01');
      const weak = commandPacket({ spi: SPI, tar: TAR, data, counter: 1n, signed: 4 }, des);
      expect(openPlainStatus((await sendPacket(card, weak)).data, SPI, des)).equal('06');
    }));

  it('does nothing while a part of it is missing, whatever else comes', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const long = packet({ counter: 1n, data: Buffer.alloc(300, 0x11) });
      const [first = data, second = data, third = data] = envelopes(long, 1);
      for (const part of [first, second, second, first]) expect(await card.ok(part)).equal('');
      const other = envelopes(packet({ counter: 2n, data: Buffer.alloc(300, 0x22) }), 2);
      expect(await card.ok(other[1] ?? data), 'a part of another message drops those so far').equal('');
      expect(await card.ok(third)).equal('');
      expect(await status(card, packet({ counter: 1n })), 'no counter was taken').equal('00');
      for (const header of ['0003010001', '0003011101', '0003010300', '0003010304', '000301', '00030103', '70007000'])
        expect((await card.exchange(deliver(bytes(header), Buffer.alloc(20)))).data.length, header).equal(0);
    }));

  it('leaves the terminal no way onto the card’s own channel', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      expect((await card.exchange('0070001300')).sw).equal('6A86');
      expect((await card.exchange('4FA4040000')).sw).equal('6881');
      expect((await new PacketCard(card, aes).script(['0070000001'])).answers).deep.equal(['6881']);
      expect((await new PacketCard(card, aes, 'B20100', 9n).script(['01A4040000'])).answers).deep.equal(['6881']);
    }));
});

/** What a script of one wrong command answers behind its chaining object. */
const RAN = 'AB0780010223026A88';

describe('A script', () => {
  const scripts: readonly (readonly [string, string, string])[] = [
    ['ends with the first error', 'AA0E220580CA123400220580CA006600', 'AB078001012302 6A88'],
    ['says that an object is unknown', 'AA0999010022 0480CA0066', 'AB06800100900101'],
    ['says that a length is wrong', 'AA03220980', 'AB06800100900102'],
    ['says that a length is missing', 'AA0122', 'AB06800100900103'],
    ['says that its own length is wrong', 'AA05220480CA', 'AB06800100900102'],
    ['that is not closed has no length', 'AE80220580CA006600', 'AF809001030000'],
    ['goes on with none before it', 'AA0A830102220580CA123400', 'AB06800100830101'],
    ['that would outlive a reset is not supported', 'AA0A830111220580CA123400', 'AB06800100830102'],
    ['with an immediate action suspends nothing', 'AA03810181', 'AB06800101810101'],
    ['of no commands does none', 'AA00', 'AB03800100'],
  ];
  it('is answered for each of its faults', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      for (const [i, [name, script, expected]] of scripts.entries()) {
        const fields = { tar: 'B20100', counter: BigInt(i + 1), data: bytes(script) };
        const answer = openResponse((await sendPacket(card, packet(fields))).data, SPI, aes);
        expect([answer.status, hex(answer.data)], name).deep.equal(['00', expected.replaceAll(' ', '')]);
      }
    }));

  it('goes on in the next message where it says so', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const chain = async (step: string, counter: bigint): Promise<string> => {
        const script = bytes(`AA0A8301${step}220580CA123400`);
        const fields = { tar: 'B20100', counter, data: script };
        return hex(openResponse((await sendPacket(card, packet(fields))).data, SPI, aes).data);
      };
      expect(await chain('01', 1n)).equal(RAN);
      expect(await chain('02', 2n)).equal(RAN);
      expect(await chain('03', 3n)).equal(RAN);
      expect(await chain('03', 4n)).equal('AB06800100830101');
    }));

  it('goes on behind its own sender’s alone: of another target, or under other keys, it has none before it', () => {
    const sets = [aes, des, randomKeys(4, 'AES'), randomKeys(5, 'AES'), randomKeys(6, 'AES')];
    return onOtaCard({ keys: sets }, async (card) => {
      let counter = 0n;
      const chain = async (step: string, keys = aes, tar = 'B20100'): Promise<string> => {
        counter += 1n;
        const data = bytes(`AA0A8301${step}220580CA123400`);
        const sent = await sendPacket(card, commandPacket({ spi: SPI, tar, counter, data }, keys));
        return hex(openResponse(sent.data, SPI, keys).data);
      };
      const FILES = 'B00000';
      const nothingBefore = 'AB06800100830101';
      expect(await chain('01')).equal(RAN);
      expect(await chain('02', aes, FILES), 'another target').equal(nothingBefore);
      expect(await chain('02', des), 'other keys').equal(nothingBefore);
      expect(await chain('01', des)).equal(RAN);
      expect(await chain('03'), 'none of these has ended it').equal(RAN);
      expect(await chain('03', des)).equal(RAN);
      // more than the card keeps
      for (const keys of sets) expect(await chain('01', keys)).equal(RAN);
      const open: string[] = [];
      for (const keys of sets) open.push(await chain('03', keys));
      expect(open).deep.equal([nothingBefore, RAN, RAN, RAN, RAN]);
      for (const keys of sets) expect(await chain('03', keys), 'ended').equal(nothingBefore);
    });
  });
});
