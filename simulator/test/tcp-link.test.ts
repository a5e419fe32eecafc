// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { probeA, probeImage, select, send, Write, write } from './fixture/probe.ts';
import { FrameClient } from './fixture/vpicc-frames.ts';

async function withLink(test: (port: number, card: SimulatedCard) => Promise<void>): Promise<void> {
  const simulator = await sharedSimulator();
  await using card = await simulator.insert(probeImage(), { tcp: { port: 0 } });
  await test(card.tcpPort ?? 0, card);
}

describe('TCP link', () => {
  it('answers the ATR and commands, and obeys the control codes', () =>
    withLink(async (port) => {
      const reader = await FrameClient.open(port);
      expect(await reader.exchange('04')).to.equal('3B00');
      reader.frame('01');
      expect(await reader.exchange(`00A4040007${probeA}`)).to.equal('9000');
      expect(await reader.exchange('80037700')).to.equal('9000');
      reader.frame('02');
      expect(await reader.exchange(`00A4040007${probeA}`)).to.equal('9000');
      expect(await reader.exchange('8002000000')).to.equal('00000000000000000000000000009000');
      reader.close();
    }));

  for (const [name, bytes] of [
    ['an empty frame', '0000'],
    ['an oversize frame', 'FFFF0000'],
    ['an unknown control code', '0001EE'],
  ] as const) {
    it(`closes for ${name}, and the card goes on`, () =>
      withLink(async (port, card) => {
        await select(card, probeA);
        const reader = await FrameClient.open(port);
        reader.raw(bytes);
        expect(await reader.receive()).to.equal('closed');
        expect(await write(card, Write.plain, '01')).to.equal('9000');
        const next = await FrameClient.open(port);
        expect(await next.exchange('8002000000')).to.match(/^01010101.*9000$/);
        next.close();
      }));
  }

  it('forgets a truncated frame when the peer leaves', () =>
    withLink(async (port, card) => {
      const reader = await FrameClient.open(port);
      reader.raw('0010AABB');
      reader.close();
      const next = await FrameClient.open(port);
      expect(await next.exchange('04')).to.equal('3B00');
      next.close();
      expect(await send(card, '00A4000C023F00')).to.equal('9000');
    }));

  it('ends when the card loses its power, and serves again after power on', () =>
    withLink(async (port, card) => {
      const reader = await FrameClient.open(port);
      await card.cutPower({ afterApdus: 1, when: 'before-processing' });
      expect(await reader.exchange('00A4000C023F00')).to.equal('9000');
      expect(await reader.exchange('00A4000C023F00')).to.equal('closed');
      const next = await FrameClient.open(port);
      next.frame('01');
      expect(await next.exchange('00A4000C023F00')).to.equal('9000');
      next.close();
    }));

  it('ends for a command to a card that is switched off', () =>
    withLink(async (port) => {
      const reader = await FrameClient.open(port);
      reader.frame('00');
      expect(await reader.exchange('00A4000C023F00')).to.equal('closed');
    }));

  it('closes with the card', async () => {
    const simulator = await sharedSimulator();
    const card = await simulator.insert(probeImage(), { tcp: { port: 0 } });
    const reader = await FrameClient.open(card.tcpPort ?? 0);
    expect(await reader.exchange('04')).to.equal('3B00');
    await card.remove();
    expect(await reader.receive()).to.equal('closed');
  });
});
