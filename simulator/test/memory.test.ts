// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, withCard } from '../src/index.ts';
import { probeImage, select, send } from './fixture/probe.ts';

const first = 'F0000000010701';
const second = 'F0000000010702';
const limits = { persistent: 2000, transientReset: 300, transientDeselect: 200, commit: 40 };

function memoryImage(memory: CardImage['memory']): CardImage {
  const image = probeImage({ name: 'memory', atr: '3B80800101', ...(memory === undefined ? {} : { memory }) });
  const [own] = image.loadFiles ?? [];
  const path = own !== undefined && 'path' in own ? own.path : '';
  const module = 'F00000000107';
  return {
    ...image,
    loadFiles: [
      { aid: 'F000000003', path, modules: [{ aid: module, class: 'org.opentsm.simulator.testapplet.MemoryProbe' }] },
    ],
    applications: [
      { module, aid: first },
      { module, aid: second },
    ],
  };
}

const hex = (bytes: number): string => bytes.toString(16).padStart(4, '0');
const take = (card: SimulatedCard, kind: string, bytes: number): Promise<string> =>
  send(card, `80${kind}${hex(bytes)}00`);
const left = async (card: SimulatedCard): Promise<number[]> => {
  const answer = await send(card, '8004000000');
  return [4, 8, 12].map((at) => Number.parseInt(answer.slice(at, at + 4), 16));
};
const NO_TRANSIENT_SPACE = '00029000';
const NO_RESOURCE = '00059000';
const BUFFER_FULL = '01039000';

describe('memory', () => {
  it(
    'is refused when the card is full, and comes back when objects are deleted',
    withCard(memoryImage(limits), async (card) => {
      await select(card, first);
      const [persistent = 0, reset, deselect] = await left(card);
      expect(persistent).to.be.within(1600, 1800);
      expect([reset, deselect]).to.deep.equal([300, 200]);
      expect(await take(card, '01', persistent), 'there is a header too').to.equal(NO_RESOURCE);
      expect(await take(card, '01', persistent - 8)).to.equal('00009000');
      expect(await left(card)).to.deep.equal([0, 300, 200]);
      expect(await take(card, '01', 0)).to.equal(NO_RESOURCE);
      expect(await send(card, '8005000000')).to.equal('00009000');
      expect(await left(card)).to.deep.equal([persistent, 300, 200]);
    }),
  );

  it(
    'has RAM of each kind apart, for all applets together',
    withCard(memoryImage(limits), async (card) => {
      await select(card, first);
      expect(await take(card, '02', 301)).to.equal(NO_TRANSIENT_SPACE);
      expect(await take(card, '02', 250)).to.equal('00009000');
      expect(await take(card, '03', 201)).to.equal(NO_TRANSIENT_SPACE);
      await select(card, second);
      expect((await left(card)).slice(1)).to.deep.equal([50, 200]);
      expect(await take(card, '03', 150)).to.equal('00009000');
      const accounts = await card.memory();
      expect(accounts[first]?.transientReset).to.equal(250);
      expect(accounts[second]?.transientDeselect).to.equal(150);
      expect(accounts[second]?.persistent).to.be.within(100, 160);
    }),
  );

  it(
    'takes so much in one transaction and no more',
    withCard(memoryImage(limits), async (card) => {
      await select(card, first);
      expect(await send(card, '8006001000')).to.equal('000000189000');
      expect(await send(card, '8006002800')).to.equal('000000009000');
      expect(await send(card, '8006002900')).to.equal(BUFFER_FULL);
      expect(await send(card, '8006000100'), 'the next one begins anew').to.equal('000000279000');
    }),
  );

  it(
    'is not counted against anything where the image says nothing',
    withCard(memoryImage(undefined), async (card) => {
      await select(card, first);
      expect(await left(card)).to.deep.equal([0x7fff, 0x7fff, 0x7fff]);
      expect(await take(card, '01', 30_000)).to.equal('00009000');
    }),
  );
});
