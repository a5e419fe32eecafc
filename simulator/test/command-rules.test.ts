// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { withCard } from '../src/index.ts';
import { probeA, probeImage, select, send } from './fixture/probe.ts';

describe('commands', () => {
  it(
    'answers 6700 when Lc and the data disagree',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      for (const command of ['800B000005AABB', '800B0000', '800B000002AABBCCDDEE', '800B000000AABB', '80']) {
        const expected = command === '800B0000' ? '9000' : '6700';
        expect(await send(card, command), command).to.equal(expected);
      }
    }),
  );

  it(
    'takes 255 bytes of data with Le and gives them back',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      const data = 'A5'.repeat(255);
      expect(await send(card, `800B0000FF${data}00`)).to.equal(`${data}9000`);
    }),
  );

  it(
    'answers 6D00, 6E00 and 6F00',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await send(card, '80EE000000')).to.equal('6D00');
      expect(await send(card, '8060000000')).to.equal('6D00');
      expect(await send(card, 'FF02000000')).to.equal('6E00');
      for (const [name, kind] of [
        ['NullPointerException', '00'],
        ['array bounds', '01'],
        ['endless recursion', '02'],
      ]) {
        expect(await send(card, `8008${kind}0000`), name).to.equal('6F00');
      }
      expect(await send(card, '8002000000')).to.match(/9000$/);
    }),
  );

  const classes = Array.from({ length: 0x3f }, (_, index) => (0xc0 + index).toString(16));

  it(
    'gives the applet classes C0 to FE where the image says so',
    withCard(probeImage({ name: 'proprietary', proprietaryClasses: true }), async (card) => {
      await select(card, probeA);
      for (const cla of classes) expect(await send(card, `${cla}02000000`), cla).to.match(/9000$/);
      expect(await send(card, 'FF02000000')).to.equal('6E00');
    }),
  );

  it(
    'takes classes C0 to FE for channels it does not have where the image says nothing',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      for (const cla of classes) expect(await send(card, `${cla}02000000`), cla).to.equal('6881');
    }),
  );

  it(
    'refuses extended length',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await send(card, '800B0000000002AABB0000')).to.equal('6700');
    }),
  );
});
