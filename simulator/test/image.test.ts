// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, readCardImage, SimulatorError, sharedSimulator } from '../src/index.ts';
import { probeImage, select, send } from './fixture/probe.ts';

async function fault(image: object | string): Promise<SimulatorError> {
  const simulator = await sharedSimulator();
  try {
    await simulator.insert(image as CardImage | string);
  } catch (error) {
    if (error instanceof SimulatorError) {
      return error;
    }
    throw error;
  }
  throw new Error('the image was taken');
}

describe('card image', () => {
  const { image: plain } = { image: probeImage() };
  const isd = { aid: 'A000000151000000' };

  for (const [name, image, field] of [
    ['no name', { ...plain, name: undefined }, 'name'],
    ['a name that is a path', { ...plain, name: '../../etc/x' }, 'name'],
    ['half a digit pair', { ...plain, atr: '3B0' }, 'atr'],
    ['a number for a string', { ...plain, atr: 3 }, 'atr'],
    ['a short ICCID', { ...plain, iccid: '8986' }, 'iccid'],
    ['letters in the ICCID', { ...plain, iccid: '89860012345678901ABC' }, 'iccid'],
    ['a short AID', { ...plain, isd: { aid: 'A000' } }, 'isd.aid'],
    ['a missing modulus', { ...plain, isd: { ...isd, trustPoint: { exponent: '010001' } } }, 'isd.trustPoint.modulus'],
    [
      'a key pair without p',
      {
        ...plain,
        ssds: [{ aid: 'F012345678', keyPair: { keyReference: '1002', modulus: '00'.repeat(128), exponent: '03' } }],
      },
      'ssds[0].keyPair.p',
    ],
    ['an unknown field', { ...plain, isd: { ...isd, colour: 'red' } }, 'isd.colour'],
    ['an unknown life cycle', { ...plain, lifeCycle: 'SOLD' }, 'lifeCycle'],
    [
      'a module of no load file',
      { ...plain, applications: [{ module: 'F0999999', aid: 'F012345678' }] },
      'applications[0].module',
    ],
    [
      'an AID twice',
      {
        ...plain,
        applications: [
          { module: 'F00000000101', aid: 'F012345678' },
          { module: 'F00000000101', aid: 'F012345678' },
        ],
      },
      'applications[1].aid',
    ],
    ['a list that is none', { ...plain, ssds: {} }, 'ssds'],
  ] as const) {
    it(`refuses ${name}, naming the field`, async () => {
      const error = await fault(image);
      expect(error).to.include({ code: 'image-invalid', field });
      expect(error.message).to.include(field);
    });
  }

  it('says which part the applets refused', async () => {
    const refused = { ...plain, applications: [{ module: 'F00000000101', aid: 'F012345678', parameters: 'EE' }] };
    expect(await fault(refused)).to.include({ code: 'image-refused', field: 'applications[0]' });
  });

  it('says which file cannot be read', async () => {
    expect(await fault('no-such-card')).to.include({ code: 'image-unreadable' });
  });

  it('makes the cards that come with the simulator', async () => {
    const simulator = await sharedSimulator();
    for (const name of ['plain', 'without-casd', 'without-file-system']) {
      const { image } = await readCardImage(name);
      await using card = await simulator.insert(name);
      expect(Buffer.from(card.atr).toString('hex').toUpperCase()).to.equal(image.atr);
      expect(await send(card, '80CA7F2100')).to.match(new RegExp(`^${image.isd?.certificate?.slice(0, 300)}`));
      expect(await select(card, 'A00000015153504341534400')).to.match(image.casd ? /9000$/ : /^6A82$/);
      expect(await send(card, '80CA004500')).to.equal(`4508${image.cin}9000`);
    }
  });

  it('makes pre-installed supplementary domains with their keys', async () => {
    const { image } = await readCardImage('plain');
    const simulator = await sharedSimulator();
    const { keyPair, trustPoint } = image.isd ?? {};
    const ssd = {
      aid: 'F04F50454E54534D01',
      applicationProviderId: '11'.repeat(16),
      keyPair: keyPair ?? null,
      trustPoint: trustPoint ?? null,
    };
    await using card = await simulator.insert({ ...image, ssds: [ssd] });
    expect(await select(card, ssd.aid)).to.match(/^6F.*9000$/);
    expect(await send(card, '80CA00E000')).to.match(/C0060110A100.*C0060210A100.*9000$/);
  });
});
