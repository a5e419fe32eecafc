// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, withCard } from '../src/index.ts';
import { probeImage, select, send } from './fixture/probe.ts';

const probe = 'F0000000010201';
/** The module of extended length beside the one of the other tests. */
function longImage(changes: Partial<CardImage>): CardImage {
  const image = probeImage();
  const files = (image.loadFiles ?? []).map((file) =>
    'path' in file
      ? {
          ...file,
          modules: [...file.modules, { aid: 'F00000000102', class: 'org.opentsm.simulator.testapplet.LongProbe' }],
        }
      : file,
  );
  return {
    ...image,
    loadFiles: files,
    applications: [...(image.applications ?? []), { module: 'F00000000102', aid: probe }],
    ...changes,
  };
}
const t0 = longImage({ name: 'transport-t0', atr: '3B00' });
const t1 = longImage({ name: 'transport-t1', atr: '3B80800101' });

const lengthOf = (bytes: number): string => bytes.toString(16).padStart(4, '0');
const text = (bytes: number): string =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => i & 0xff))
    .toString('hex')
    .toUpperCase();

describe('extended length', () => {
  for (const image of [t0, t1]) {
    it(
      `takes and gives up to 20,000 bytes in a buffer of 261 (${image.name})`,
      withCard(image, async (card) => {
        await select(card, probe);
        for (const bytes of [1, 254, 255, 256, 257, 1000, 20_000]) {
          expect(await send(card, `8001000000${lengthOf(bytes)}${text(bytes)}0000`), `${bytes}`).to.equal(
            `${text(bytes)}9000`,
          );
        }
      }),
    );
  }

  it(
    'tells the applet lengths and offsets of each of the seven forms',
    withCard(t1, async (card) => {
      await select(card, probe);
      const forms = [
        ['case 1', '80020000', '0000 0005 0000'],
        ['case 2', '8002000009', '0000 0005 0009'],
        ['case 2, all', '8002000000', '0000 0005 0100'],
        ['case 3', '8002000002AABB', '0002 0005 0000'],
        ['case 4', '8002000002AABB09', '0002 0005 0009'],
        ['case 2 extended', '80020000000009', '0000 0007 0009'],
        ['case 2 extended, all', '80020000000000', '0000 0007 7FFF'],
        ['case 3 extended', '80020000000002AABB', '0002 0007 0000'],
        ['case 4 extended', '80020000000002AABB0009', '0002 0007 0009'],
      ] as const;
      for (const [name, command, wanted] of forms) {
        expect(await send(card, command), name).to.equal(`${wanted.replaceAll(' ', '')}0101059000`);
      }
    }),
  );

  it(
    'answers 6700 where lengths disagree, and where the applet takes no extended length',
    withCard(t1, async (card) => {
      await select(card, probe);
      for (const command of [
        '800100000000',
        '800100000000020A',
        '80010000000000AA',
        '80010000000002AABB00',
        '80010000000001',
      ]) {
        const wanted = command === '80010000000001' ? '9000' : '6700';
        expect(await send(card, command), command).to.equal(wanted);
      }
      await select(card, 'F0000000010101');
      expect(await send(card, '800B0000000002AABB0000')).to.equal('6700');
    }),
  );

  it(
    'has the buffer that the image asks for',
    withCard({ ...t1, name: 'transport-buffer', apduBuffer: 1500 }, async (card) => {
      await select(card, probe);
      expect(await send(card, '8002000000')).to.equal('0000000501000105DC9000');
    }),
  );

  it(
    'refuses a second receive',
    withCard(t1, async (card) => {
      await select(card, probe);
      expect(await send(card, '8004000001AA')).to.equal('6F00');
    }),
  );
});

describe('a security domain', () => {
  it(
    'takes short commands in the extended form',
    withCard('plain', async (card) => {
      const short = await send(card, '80CA006600');
      expect(short).to.match(/^66.*9000$/);
      expect(await send(card, '80CA0066000000')).to.equal(short);
      expect(await send(card, '00A40400 000000 0000'.replaceAll(' ', '')), 'an Lc of nothing').to.equal('6700');
      expect(await send(card, '00A40400000008A0000001510000000000')).to.equal(
        await send(card, '00A4040008A00000015100000000'),
      );
      expect(await send(card, '00A4000C0000023F00'), 'the file system').to.equal('9000');
    }),
  );
});

describe('T=0', () => {
  it(
    'answers 61XX without Le and gives the rest to GET RESPONSE, once',
    withCard(t0, async (card) => {
      await select(card, probe);
      expect(await send(card, '8001000003AABBCC')).to.equal('6103');
      expect(await send(card, '00C0000002')).to.equal('AABB6101');
      expect(await send(card, '00C0000000')).to.equal('CC9000');
      expect(await send(card, '00C0000000')).to.equal('6D00');
      expect(await send(card, `80010000FF${text(255)}10`)).to.equal(`${text(16)}61EF`);
      expect(await send(card, '8002000009')).to.match(/9000$/);
      expect(await send(card, '00C0000000'), 'another command drops it').to.equal('6D00');
    }),
  );

  it(
    'answers 6CXX for a wrong Le of case 2, and the data when it is asked again',
    withCard(t0, async (card) => {
      await select(card, probe);
      expect(await send(card, '8003000420')).to.equal('6C04');
      expect(await send(card, '8003000404')).to.equal('000000009000');
      expect(await send(card, '8003000401')).to.equal('6C04');
      expect(await send(card, '8003000500'), 'another command').to.equal('00000000009000');
      expect(await send(card, '8003010001')).to.equal('6C00');
      expect(await send(card, '8003010000')).to.equal(`${'00'.repeat(256)}9000`);
    }),
  );

  it(
    'has neither under T=1, whether the ATR says so or the image',
    withCard({ ...t0, name: 'transport-said', protocol: 'T=1' }, async (card) => {
      await select(card, probe);
      expect(await send(card, '8001000003AABBCC')).to.equal('AABBCC9000');
      expect(await send(card, '8003000420')).to.match(/^.{8}9000$/);
      expect(await send(card, '00C0000000')).to.equal('6D00');
    }),
  );
});
