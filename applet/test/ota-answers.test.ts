// SPDX-License-Identifier: Apache-2.0
/** What becomes of an answer by messages that the network does not take (TS 102 223 8.12; applet/README.md 12). */
import { expect } from 'chai';
import { apdu, type TestCard } from './support/card.ts';
import { onOtaCard, profile, randomKeys } from './support/ota-card.ts';
import {
  commandPacket,
  expandedAnswers,
  expandedScript,
  fetchMessages,
  joinMessages,
  openResponse,
  sendPacket,
} from './support/packet-host.ts';
import { tlv } from './support/tlv.ts';

const SPI = '1639';
const aes = randomKeys(1, 'AES');
const DONE = '830100';
const SENDER = undefined;
const STATUS = '80F2000000';
const TRIES = 10;

/** A script whose answers take three messages. */
const LONG = expandedScript([
  apdu('80E29000', tlv('5F50', Buffer.alloc(112, 0x61))),
  '80CA5F5000',
  '80CA5F5000',
  '80CA5F5000',
]);

/** One message with a packet. */
const SHORT = expandedScript(['80CA006600']);

const packet = (counter: bigint, data = LONG): Buffer => commandPacket({ spi: SPI, tar: 'B20100', counter, data }, aes);

const answersIn = (messages: readonly Buffer[]): string[] =>
  expandedAnswers(openResponse(joinMessages(messages), SPI, aes).data).map((answer) => answer.slice(-4));

const ALL = ['9000', '9000', '9000', '9000'];

/** Sends a packet whose answer follows; the messages that went out, with these results. */
async function messages(card: TestCard, counter: bigint, results: readonly string[]): Promise<Buffer[]> {
  const { data, sw } = await sendPacket(card, packet(counter));
  expect(openResponse(data, SPI, aes).status).equal('0B');
  return fetchMessages(card, sw, SENDER, results);
}

const poll = async (card: TestCard, results: readonly string[] = []): Promise<Buffer[]> =>
  fetchMessages(card, (await card.exchange(STATUS)).sw, SENDER, results);

describe('An answer by messages', () => {
  for (const [name, result] of [
    ['the terminal is busy', '83022004'],
    ['the network is busy', '830121'],
    ['the service centre says no', '8302352A'],
  ] as const)
    it(`goes on where it stopped with the next STATUS where ${name}`, () =>
      onOtaCard({ keys: [aes] }, async (card) => {
        const sent = await messages(card, 1n, [DONE, result]);
        expect(sent).length(1);
        expect((await sendPacket(card, packet(2n))).sw, 'the answer waits').equal('9300');
        expect(await poll(card, [result]), 'not yet').deep.equal([]);
        const rest = await poll(card);
        expect(rest.length).greaterThan(1);
        expect(answersIn([...sent, ...rest])).deep.equal(ALL);
        expect(await poll(card), 'once').deep.equal([]);
        expect(answersIn(await messages(card, 2n, [])), 'the next one').deep.equal(ALL);
      }));

  it('has each of its parts tried ten times more, and then nothing is in the way of the next packet', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      expect(await messages(card, 1n, ['830120'])).deep.equal([]);
      for (let i = 1; i < TRIES; i++) expect(await poll(card, ['830120']), `${i}`).deep.equal([]);
      const first = await poll(card, [DONE, '830120']);
      expect(first, 'in the last try').length(1);
      for (let i = 1; i <= TRIES; i++) expect(await poll(card, ['830120']), `${i}`).deep.equal([]);
      expect(await poll(card), 'given up').deep.equal([]);
      expect(answersIn(await messages(card, 2n, []))).deep.equal(ALL);
    }));

  it('gives way to packets of a terminal that sends no STATUS', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      await messages(card, 1n, ['830120']);
      for (let i = 1; i <= TRIES; i++) expect((await sendPacket(card, packet(2n, SHORT))).sw, `${i}`).equal('9300');
      expect(answersIn(await messages(card, 2n, []))).deep.equal(ALL);
      expect(await poll(card)).deep.equal([]);
    }));

  for (const [name, result] of [
    ['that the terminal cannot send', '830130'],
    ['whose response has no result', ''],
    ['whose response has an empty result', '8300'],
  ] as const)
    it(`${name} is given up, with the parts behind it`, () =>
      onOtaCard({ keys: [aes] }, async (card) => {
        expect(await messages(card, 1n, [DONE, result])).length(1);
        expect(await poll(card)).deep.equal([]);
        expect(answersIn(await messages(card, 2n, []))).deep.equal(ALL);
      }));

  it('is gone with a reset, and asks for no STATUS behind it', () =>
    onOtaCard({ keys: [aes] }, async (card, simulated) => {
      await messages(card, 1n, ['830120']);
      await simulated.reset();
      await profile(card);
      expect(await poll(card)).deep.equal([]);
      expect(answersIn(await messages(card, 2n, []))).deep.equal(ALL);
    }));
});
