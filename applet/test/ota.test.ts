// SPDX-License-Identifier: Apache-2.0
/** Remote management by short messages (applet/README.md 12): what a packet may do, and how it is answered. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { enciphered, keyCommand } from './support/agent-card.ts';
import { apdu, ISD } from './support/card.ts';
import { onOtaCard, PacketCard, randomKeys } from './support/ota-card.ts';
import {
  commandPacket,
  envelopes,
  expandedAnswers,
  expandedScript,
  fetchMessages,
  joinMessages,
  openResponse,
  sendPacket,
} from './support/packet-host.ts';
import { checkValue, keySetData } from './support/scp03-host.ts';
import { tripleDesEcb } from './support/scp10-host.ts';
import { symmetricField } from './support/stored-keys.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

const ISSUER_COMPACT = '000000';
const ISSUER_EXPANDED = 'B20100';
const FILES = 'B00000';

const aes = randomKeys(1, 'AES');
const des = randomKeys(2, 'DES');
const aes256 = randomKeys(3, 'AES', 32);
const SPI = '1619';

function store(tag: string, size: number): Buffer {
  const data = tlv(tag, Buffer.alloc(size, 0x61));
  return Buffer.concat([bytes('80E29000'), Buffer.of(data.length), data]);
}

describe('Remote management by short messages', () => {
  for (const keys of [aes, des, aes256])
    it(`runs commands on the issuer's domain under ${keys.type}-${keys.kic.length * 8}, in both formats`, () =>
      onOtaCard({ keys: [aes, des, aes256] }, async (card) => {
        const data = bytes('80F28000024F0000C0000000');
        const compact = commandPacket({ spi: SPI, tar: ISSUER_COMPACT, counter: 1n, data }, keys);
        const first = await sendPacket(card, compact);
        expect(first.sw).equal('9000');
        const answer = openResponse(first.data, SPI, keys);
        expect(answer).deep.include({ tar: ISSUER_COMPACT, counter: 1n, status: '00' });
        expect(hex(answer.data.subarray(0, 3))).equal('029000');
        expect(hex(answer.data)).contain(ISD);
        const script = expandedScript(['80F28000024F00', '80CA006600'], true);
        const expanded = commandPacket({ spi: SPI, tar: ISSUER_EXPANDED, counter: 2n, data: script }, keys);
        const second = await sendPacket(card, expanded);
        const [status = '', recognition = ''] = expandedAnswers(openResponse(second.data, SPI, keys).data);
        expect([status.slice(-4), recognition.slice(0, 2), recognition.slice(-4)]).deep.equal(['9000', '66', '9000']);
      }));

  it('answers as the packet asks: not at all, on error, by message, with RC, CC or nothing, in clear', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const data = bytes('80CA006600');
      const wrong = bytes('80CA123400');
      const send = async (spi: string, counter: bigint, inner: Buffer) =>
        sendPacket(card, commandPacket({ spi, tar: ISSUER_COMPACT, counter, data: inner }, aes));
      expect(hex((await send('1600', 1n, data)).data)).equal('');
      expect(hex((await send('1602', 2n, data)).data), 'a wrong command is no wrong packet').equal('');
      expect(openResponse((await send('161A', 2n, data)).data, '161A', aes).status, 'counter').equal('02');
      for (const [i, spi] of ['1601', '1609', '1611', '1619'].entries()) {
        const response = openResponse((await send(spi, BigInt(3 + i), wrong)).data, spi, aes);
        expect(response, spi).deep.include({ status: '00', counter: BigInt(3 + i) });
        expect(hex(response.data)).equal('016A88');
      }
      const submitted = await send('1639', 9n, wrong);
      expect(openResponse(submitted.data, '1639', aes).status).equal('0B');
      const messages = await fetchMessages(card, submitted.sw);
      expect(hex(openResponse(joinMessages(messages), '1639', aes).data)).equal('016A88');
    }));

  it('takes long messages in any order, and sends long answers', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const script = expandedScript([
        store('5F50', 112),
        store('66', 112),
        '80CA5F5000',
        '80CA006600',
        '80CA5F5000',
        '80CA006600',
      ]);
      const packet = commandPacket({ spi: '1639', tar: ISSUER_EXPANDED, counter: 1n, data: script }, aes);
      const [first, second, third] = envelopes(packet);
      expect(third, 'three parts').not.equal(undefined);
      for (const part of [third, third, first, third])
        expect((await card.exchange(part ?? Buffer.alloc(0))).sw).equal('9000');
      const { data, sw } = await card.exchange(second ?? Buffer.alloc(0));
      expect(openResponse(data, '1639', aes).status).equal('0B');
      const messages = await fetchMessages(card, sw);
      expect(messages).length.greaterThan(3);
      const answers = expandedAnswers(openResponse(joinMessages(messages), '1639', aes).data);
      expect(answers.map((answer) => answer.slice(-4))).deep.equal(Array.from({ length: 6 }, () => '9000'));
      expect(answers[2]).equal(answers[4]);
    }));

  it('puts keys under the KIK, and counts anew under them', () =>
    onOtaCard({ keys: [aes, des] }, async (card) => {
      const next = randomKeys(4, 'AES');
      const remote = new PacketCard(card, aes);
      const seal = (key: Buffer): Buffer => {
        const cipher = createCipheriv('aes-128-cbc', aes.kik, Buffer.alloc(16));
        cipher.setAutoPadding(false);
        return Buffer.concat([cipher.update(key), cipher.final()]);
      };
      const set = { kvn: '04', enc: next.kic, mac: next.kid, dek: next.kik };
      const data = keySetData(set, seal);
      const command = Buffer.concat([bytes('80D80081'), Buffer.of(data.length), data, Buffer.of(0)]);
      expect(await remote.ok(command)).equal(
        `04${[next.kic, next.kid, next.kik].map((key) => hex(checkValue(key))).join('')}`,
      );
      expect((await new PacketCard(card, next).ok('80CA006600')).slice(0, 2)).equal('66');
      expect((await new PacketCard(card, aes, ISSUER_EXPANDED, 0n).script(['80CA006600'])).status).equal('02');
    }));

  it('takes triple DES with three keys, which come by PUT KEY', () =>
    onOtaCard({ keys: [des] }, async (card) => {
      const three = randomKeys(5, 'DES', 24);
      const seal = (key: Buffer): Buffer => tripleDesEcb(des.kik, key);
      const fields = [three.kic, three.kid, three.kik].map((value) =>
        symmetricField({ type: '80', value }, seal, 8, false),
      );
      const data = Buffer.concat([bytes('05'), ...fields]);
      await new PacketCard(card, des).ok(apdu('80D80081', data, true));
      expect(await new PacketCard(card, three).ok('80CA006600')).match(/^66/);
    }));

  it('takes redundancy checks where its level allows them, and nobody vouches for those commands', () =>
    onOtaCard({ keys: [aes], level: '00' }, async (card) => {
      const data = bytes('80CA12340080E2900006420401020304');
      const get = bytes('80CA123400');
      const send = async (spi: string, kid: number, inner: Buffer) => {
        const { data: answer } = await sendPacket(
          card,
          commandPacket({ spi, tar: ISSUER_COMPACT, data: inner, kid }, aes),
        );
        return hex(openResponse(answer, spi, aes).data);
      };
      expect(await send('0101', 0x11, get), 'CRC-16').equal('016A88');
      expect(await send('0505', 0x15, get), 'CRC-32, ciphered').equal('016A88');
      expect(await send('0105', 0x15, data.subarray(5))).equal('016982');
      expect(await send('0001', 0x15, data.subarray(5))).equal('016982');
    }));

  it('takes a set that has the key of checksums alone, which vouches for the commands', () =>
    onOtaCard({ keys: [aes], level: '12' }, async (card) => {
      const value = randomBytes(16);
      const seal = (data: Buffer) => enciphered('aes-128-cbc', aes.kik, data);
      await new PacketCard(card, aes).ok(keyCommand([4, 2], { type: '88', value }, seal));
      const fields = { spi: '1209', tar: ISSUER_EXPANDED, counter: 1n, data: expandedScript([store('5F50', 4)]) };
      const keys = { ...aes, kvn: 4, kid: value };
      const { data } = await sendPacket(card, commandPacket(fields, keys));
      const response = openResponse(data, '1209', keys);
      expect([response.status, ...expandedAnswers(response.data)]).deep.equal(['00', '9000']);
    }));

  it('reads and writes files', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const remote = new PacketCard(card, aes, FILES);
      const read = ['00A40004023F00', '00A4000C022FE2', '00B000000A'];
      const [master = '', ...answers] = (await remote.script(read)).answers;
      expect([master.slice(0, 2), master.slice(-4)], 'parameters of the master file').deep.equal(['62', '9000']);
      expect(answers).deep.equal(['9000', '986800214365870921F39000']);
      const write = ['00A4000C027F10', '00A4000C026F3A', `00DC01041C${'41'.repeat(28)}`, '00B201041C'];
      const written = (await remote.script(write)).answers;
      expect(written).deep.equal(['9000', '9000', '9000', `${'41'.repeat(28)}9000`]);
      // the terminal's own place is another one
      expect(await card.ok('00B000000A', '6986')).equal('');
    }));
});
