// SPDX-License-Identifier: Apache-2.0
/**
 * The packets that others' tools send, in every combination of their options: which run, how they are answered, and
 * what is refused (docs/ota.md 3.5 has the reasons).
 */
import { expect } from 'chai';
import type { TestCard } from './support/card.ts';
import { onOtaCard, openPlainStatus, randomKeys } from './support/ota-card.ts';
import {
  commandPacket,
  envelopes,
  fetchMessages,
  joinMessages,
  openResponse,
  type PacketFields,
  type PacketKeys,
  sendPacket,
} from './support/packet-host.ts';
import { bytes, hex } from './support/tlv.ts';

const aes = randomKeys(1, 'AES');
const des = randomKeys(2, 'DES');
const LEVEL = '00';
const RAM = '000000';
const SIM_FILES = 'B00010';
const USIM_FILES = 'B00011';
/** GET STATUS of the issuer's domain, and what it answers in the compact format's place. */
const STATUS = '80F28000024F0000C0000000';
const ICCID = '986800214365870921F3';
const READ_USIM = '00A40004023F0000A40004022FE200B000000A';
const READ_SIM = 'A0A40000023F00A0A40000022FE2A0B000000A';

/** Of one card: each key set's counter goes on from packet to packet. */
class Sender {
  readonly #card: TestCard;
  readonly #stored = new Map<PacketKeys, bigint>();

  constructor(card: TestCard) {
    this.#card = card;
  }

  /** Sends a packet with a counter as its SPI wants it. @returns status, and data where it ran */
  async send(fields: PacketFields, keys: PacketKeys): Promise<{ readonly status: string; readonly data: string }> {
    const { spi } = fields;
    const [first = 0] = bytes(spi);
    const counted = (first & 0x10) !== 0 && (first & 3) === 2;
    const counter = counted ? (this.#stored.get(keys) ?? 0n) + 1n : 0n;
    const { data, sw } = await sendPacket(this.#card, commandPacket({ counter, ...fields }, keys));
    if (sw.startsWith('62')) return { status: openPlainStatus(data, spi, keys), data: '' };
    if (counted) this.#stored.set(keys, counter);
    const follows = sw.startsWith('91');
    if (follows) expect(openResponse(data, spi, keys).status, spi).equal('0B');
    const whole = follows ? joinMessages(await fetchMessages(this.#card, sw)) : data;
    const response = openResponse(whole, spi, keys);
    expect(response.counter, spi).equal(counter);
    return { status: response.status, data: hex(response.data) };
  }
}

/** SPI 1 of no check, RC and CC, in clear and ciphered, with every rule of the counter. */
const SPI_1 = [0, 1, 2, 3].flatMap((rule) =>
  [0, 4].flatMap((ciphered) => [0, 1, 2].map((check) => (rule << 3) | ciphered | check)),
);
/** Answer always: plain, RC, CC, each ciphered too, and by message. */
const SPI_2 = ['01', '05', '09', '11', '15', '19', '21', '39'];

const CASES = SPI_1.flatMap((first) => SPI_2.map((second) => `${hex(Buffer.of(first))}${second}`));

/** A counter that anybody could raise who computes a CRC would block the key set. */
const isRefused = (spi: string): boolean => {
  const [first = 0] = bytes(spi);
  return (first & 0x10) !== 0 && (first & 3) !== 2;
};

describe('The packets of others’ tools', () => {
  for (const [name, keys] of [
    ['AES', aes],
    ['triple DES', des],
  ] as const)
    it(`run with each of pySim's security parameters under ${name}`, () =>
      onOtaCard({ keys: [aes, des], level: LEVEL }, async (card) => {
        const sender = new Sender(card);
        for (const spi of CASES) {
          // its KID is that of the keys, for a CRC-32 too
          const answer = await sender.send({ spi, tar: USIM_FILES, data: bytes(READ_USIM) }, keys);
          const expected = isRefused(spi) ? { status: '06', data: '' } : { status: '00', data: `039000${ICCID}` };
          expect(answer, spi).deep.equal(expected);
        }
      }));

  it('run as shadysim sends them: without security, and with a block of padding that nothing needs', () =>
    onOtaCard({ keys: [des], level: LEVEL }, async (card) => {
      const sender = new Sender(card);
      const plain = await sender.send({ spi: '0001', kic: 0, kid: 0, tar: RAM, data: bytes(STATUS) }, des);
      expect(plain).deep.include({ status: '00' });
      for (const blocks of [0, 1, 5]) {
        const data = bytes(READ_SIM);
        const padding = 8 - ((6 + 8 + data.length) % 8) + 8 * blocks;
        const answer = await sender.send({ spi: '0601', tar: SIM_FILES, data, padding }, des);
        expect(answer, `${padding} bytes`).deep.equal({ status: '00', data: `039000${ICCID}` });
      }
      const [envelope = Buffer.alloc(0)] = envelopes(
        commandPacket({ spi: '0601', tar: SIM_FILES, data: bytes(READ_SIM) }, des),
      );
      const { data: report } = await card.exchange(Buffer.concat([bytes('A0'), envelope.subarray(1)]));
      expect(hex(openResponse(report, '0601', des).data), 'in an ENVELOPE of a SIM').equal(`039000${ICCID}`);
      const clear = { spi: '0201', tar: SIM_FILES, data: bytes(READ_SIM), padding: 1 };
      expect(await sender.send(clear, des), 'padding of nothing that is enciphered').deep.include({ status: '06' });
      const checked = await sender.send({ spi: '0101', kic: 0, kid: 0, tar: RAM, data: bytes(STATUS) }, des);
      expect(checked, 'a CRC-32 that KID does not name').deep.include({ status: '00' });
    }));

  it('are answered as SIMTester wants to see it, for every key set and kind of key', () =>
    onOtaCard({ keys: [aes, des], level: LEVEL }, async (card) => {
      const sender = new Sender(card);
      for (const second of ['01', '11'])
        for (const [kic, kid, status] of [
          [0x20, 0x20, '00'],
          [0x20, 0x25, '00'],
          [0x25, 0x20, '00'],
          [0x25, 0x25, '00'],
          [0x20, 0x21, '06'],
          [0x20, 0x29, '06'],
          [0x50, 0x50, '06'],
          [0xf0, 0xf0, '06'],
        ] as const)
          for (const first of ['02', '0A', '12', '1A'])
            expect(
              await sender.send({ spi: `${first}${second}`, kic, kid, tar: RAM, data: bytes(STATUS) }, des),
              `${first}${second} ${kic} ${kid}`,
            ).deep.include({ status });
      for (const tar of ['000001', '3F0000', 'B00120', 'B20102', 'BFFFFF', 'FFFFFF'])
        expect(await sender.send({ spi: '1211', tar, data: bytes(STATUS) }, des), tar).deep.include({ status: '09' });
    }));

  it('run where KIc and KID name no key set: the other one’s, or the lowest that has such a key', () =>
    onOtaCard({ keys: [aes, des], level: '16' }, async (card) => {
      const sender = new Sender(card);
      for (const [kic, kid, keys] of [
        [0x02, 0x12, aes],
        [0x12, 0x02, aes],
        [0x00, 0x00, aes],
        [0x02, 0x02, aes],
        [0x05, 0x05, des],
        [0x00, 0x25, des],
        [0x20, 0x00, des],
      ] as const) {
        const answer = await sender.send({ spi: '1619', kic, kid, tar: RAM, data: bytes(STATUS) }, keys);
        expect(answer, `${kic} ${kid}`).deep.include({ status: '00' });
      }
      // one counter, by whatever name the set goes
      const replay = commandPacket({ spi: '1619', kic: 0, kid: 0, tar: RAM, counter: 1n, data: bytes(STATUS) }, aes);
      expect(openPlainStatus((await sendPacket(card, replay)).data, '1619', aes)).equal('02');
    }));
});
