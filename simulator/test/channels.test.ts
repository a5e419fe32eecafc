// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, withCard } from '../src/index.ts';
import { probeA, probeB, probeImage, send } from './fixture/probe.ts';

const multiA = 'F0000000010301';
const multiB = 'F0000000010302';

/** Two instances that share channels, and two of another load file that do not. */
function channelImage(): CardImage {
  const image = probeImage({ name: 'channels', atr: '3B80800101' });
  const [own] = image.loadFiles ?? [];
  const path = own !== undefined && 'path' in own ? own.path : '';
  const loadFile = {
    aid: 'F000000002',
    path,
    modules: [{ aid: 'F00000000103', class: 'org.opentsm.simulator.testapplet.ChannelProbe' }],
  };
  return {
    ...image,
    loadFiles: [...(image.loadFiles ?? []), loadFile],
    applications: [
      ...(image.applications ?? []),
      { module: 'F00000000103', aid: multiA },
      { module: 'F00000000103', aid: multiB },
    ],
  };
}

/** Class byte of a channel for an interindustry (00) or a proprietary (80) command. */
const cla = (channel: number, type = 0x80): string =>
  (channel < 4 ? type | channel : type | 0x40 | (channel - 4)).toString(16).padStart(2, '0');
const select = (card: SimulatedCard, channel: number, aid: string): Promise<string> =>
  send(card, `${cla(channel, 0)}A4040007${aid}00`);
const open = (card: SimulatedCard, number = 0, from = 0): Promise<string> =>
  send(card, `${cla(from, 0)}7000${number.toString(16).padStart(2, '0')}01`);
const close = (card: SimulatedCard, number: number): Promise<string> =>
  send(card, `007080${number.toString(16).padStart(2, '0')}`);
/** How the applet was called since this was asked for last. */
const log = (card: SimulatedCard, channel: number): Promise<string> => send(card, `${cla(channel)}03000000`);
const image = channelImage();

describe('logical channels', () => {
  it(
    'are opened in order, by number, and closed; 20 and no more',
    withCard(image, async (card) => {
      expect(await open(card, 7)).to.equal('9000');
      for (const number of [1, 2, 3, 4, 5, 6, 8]) {
        expect(await open(card)).to.equal(`${number.toString(16).padStart(2, '0')}9000`);
      }
      expect(await open(card, 7), 'open already').to.equal('6881');
      for (let number = 9; number < 20; number += 1) expect(await open(card, number)).to.equal('9000');
      expect(await open(card), 'none left').to.equal('6A81');
      expect(await open(card, 20)).to.equal('6A86');
      expect(await close(card, 19)).to.equal('9000');
      expect(await close(card, 19), 'closed already').to.equal('6200');
      expect(await close(card, 0), 'the basic channel').to.equal('6A86');
      expect(await send(card, '0070010001')).to.equal('6A86');
      expect(await send(card, '00700000'), 'no room for the number').to.equal('6700');
      expect(await send(card, '0C70000001')).to.equal('6882');
    }),
  );

  it(
    'answer 6881 when closed, and are closed by a reset',
    withCard(image, async (card) => {
      for (let channel = 1; channel < 20; channel += 1) {
        expect(await send(card, `${cla(channel)}02000000`), `${channel}`).to.equal('6881');
      }
      await open(card, 5);
      expect(await select(card, 5, multiA)).to.equal('9000');
      expect(await send(card, `${cla(5)}02000000`)).to.match(/9000$/);
      await card.reset();
      expect(await send(card, `${cla(5)}02000000`)).to.equal('6881');
    }),
  );

  it(
    'have an applet each, which hears its channel and class in both encodings',
    withCard(image, async (card) => {
      for (const channel of [0, 1, 3, 4, 11, 19]) {
        if (channel > 0) await open(card, channel);
        expect(await select(card, channel, channel % 2 === 0 ? multiA : multiB)).to.equal('9000');
        const number = channel.toString(16).padStart(2, '0').toUpperCase();
        expect(await send(card, `${cla(channel)}02000000`)).to.equal(`00${number}${number}009000`);
        expect(await send(card, `${cla(channel, 0)}02000000`)).to.equal(`00${number}${number}049000`);
      }
      expect(await send(card, 'E002000000'), 'secured, channel 4').to.equal('000404019000');
      expect(await send(card, '9102000000'), 'chained, channel 1').to.equal('000101029000');
      expect(await send(card, '8502000000'), 'secured, channel 1').to.equal('000101019000');
    }),
  );

  it(
    'close behind a SELECT that fails, and open with one that works',
    withCard(image, async (card) => {
      expect(await select(card, 2, 'F0000000019999')).to.equal('6A82');
      expect(await send(card, `${cla(2)}02000000`)).to.equal('6881');
      expect(await select(card, 2, multiA)).to.equal('9000');
      expect(await send(card, `${cla(2)}02000000`)).to.match(/9000$/);
    }),
  );

  it(
    'call select and deselect as the applet is active elsewhere',
    withCard(image, async (card) => {
      await select(card, 0, multiA);
      expect(await log(card, 0)).to.equal('019000');
      await open(card, 1);
      await select(card, 1, multiA);
      expect(await log(card, 0), 'the same instance').to.equal('119000');
      await select(card, 1, multiB);
      expect(await log(card, 0), 'left by one of two').to.equal('219000');
      expect(await log(card, 1), 'the other of the load file').to.equal('109000');
      await close(card, 1);
      await select(card, 0, probeA);
      await select(card, 0, multiA);
      expect(await log(card, 0), 'alone again').to.equal('02019000');
    }),
  );

  it(
    'keep RAM of CLEAR_ON_DESELECT until the last applet of the load file is deselected',
    withCard(image, async (card) => {
      await select(card, 0, multiA);
      await send(card, '80017700');
      await open(card, 1);
      await select(card, 1, multiB);
      await select(card, 0, probeA);
      await select(card, 0, multiA);
      expect(await send(card, '8002000000')).to.match(/^77.*9000$/);
      await close(card, 1);
      await select(card, 0, probeA);
      await select(card, 0, multiA);
      expect(await send(card, '8002000000')).to.match(/^00.*9000$/);
    }),
  );

  it(
    'refuse applets of one load file that cannot be selected twice, and leave what was there',
    withCard(image, async (card) => {
      await select(card, 0, probeA);
      await open(card, 1);
      expect(await select(card, 1, multiA)).to.equal('9000');
      expect(await select(card, 1, probeA)).to.equal('6985');
      expect(await select(card, 1, probeB), 'another instance').to.equal('6985');
      expect(await send(card, `${cla(1)}02000000`)).to.match(/9000$/);
      await select(card, 0, multiB);
      expect(await select(card, 1, probeB)).to.equal('9000');
    }),
  );

  it(
    'hand the applet of the channel on that opens them',
    withCard(image, async (card) => {
      await open(card, 1);
      await select(card, 1, multiA);
      expect(await open(card, 0, 1)).to.equal('029000');
      expect(await send(card, `${cla(2)}02000000`)).to.equal('000202009000');
      expect(await open(card, 3)).to.equal('9000');
      expect(
        await send(card, `${cla(3)}02000000`),
        'from the basic channel: the default, which this card lacks',
      ).to.equal('6999');
    }),
  );

  it(
    'have the issuer’s domain when they are opened, and no session of another channel',
    withCard('plain', async (card) => {
      const issuer = 'A000000151000000';
      expect(await send(card, '80CA006600')).to.match(/9000$/);
      expect(await open(card)).to.equal('019000');
      expect(await send(card, '81CA006600')).to.match(/9000$/);
      expect(await send(card, `01A4040008${issuer}00`)).to.match(/9000$/);
      for (const secured of ['85E40000', '8DE40000']) expect(await send(card, secured), secured).to.equal('6982');
      expect(await send(card, 'C0CA006600'), 'a channel that is not open').to.equal('6881');
      expect(await send(card, '80CA006600'), 'the basic channel goes on').to.match(/9000$/);
    }),
  );
});
