// SPDX-License-Identifier: Apache-2.0
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator, withCard } from '../src/index.ts';
import { memory, probeA, probeB, probeImage, select, send, Write, write } from './fixture/probe.ts';

async function draw(card: SimulatedCard): Promise<{ random: string; modulus: string }> {
  await select(card, probeA);
  return {
    random: (await send(card, '8004000000')).slice(0, 32),
    modulus: (await send(card, '8005000000')).slice(0, 256),
  };
}

async function drawFrom(seed: string | undefined): Promise<{ random: string; modulus: string }> {
  const simulator = await sharedSimulator();
  await using card = await simulator.insert(probeImage(seed === undefined ? {} : { seed }));
  return await draw(card);
}

describe('randomness', () => {
  it('differs on every card and in every run', async () => {
    const [one, other] = [await drawFrom(undefined), await drawFrom(undefined)];
    expect(one.random).not.to.equal(other.random);
    expect(one.modulus).not.to.equal(other.modulus);
  });

  it('is repeatable with a seed, and only with the same one', async () => {
    const [one, same, other] = [await drawFrom('0102'), await drawFrom('0102'), await drawFrom('0103')];
    expect(same).to.deep.equal(one);
    expect(other.random).not.to.equal(one.random);
    expect(other.modulus).not.to.equal(one.modulus);
  });

  it('serves given bytes to RandomData first, in order, and never to key generation', async () => {
    const given = Array.from({ length: 20 }, (_, i) => (0xa0 + i).toString(16).toUpperCase()).join('');
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(probeImage({ randomBytes: given, seed: '01' }));
    await select(card, probeA);
    await send(card, '8005000000');
    expect((await send(card, '8004000000')).slice(0, 32)).to.equal(given.slice(0, 32));
    const second = (await send(card, '8004000000')).slice(0, 32);
    expect(second.slice(0, 8)).to.equal(given.slice(32));
    expect(second.slice(8)).not.to.equal('00'.repeat(12));
  });
});

describe('raw RSA on the card', () => {
  it(
    'is as long as the modulus in both modes, for small numbers too',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      const modulus = Buffer.from((await send(card, '8005000000')).slice(0, 256), 'hex');
      const key = createPublicKey({
        key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
        format: 'jwk',
      });
      const one = Buffer.concat([Buffer.alloc(127), Buffer.from([1])]);
      for (const mode of ['01', '02']) {
        expect(await send(card, `800600${mode}80${one.toString('hex')}00`), `mode ${mode}`).to.equal(
          `${one.toString('hex').toUpperCase()}9000`,
        );
        const message = Buffer.concat([Buffer.alloc(3), Buffer.from('A5'.repeat(125), 'hex')]);
        const sealed = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, message).toString('hex');
        expect(await send(card, `800601${mode}80${sealed}00`), `mode ${mode}`).to.equal(
          `${message.toString('hex').toUpperCase()}9000`,
        );
      }
    }),
  );
});

describe('two cards', () => {
  it('share no static fields, also when used at the same time', async () => {
    const simulator = await sharedSimulator();
    await using one = await simulator.insert(probeImage());
    await using other = await simulator.insert(probeImage());
    await Promise.all([one, other].map((card) => select(card, probeA)));
    for (let round = 0; round < 50; round++) {
      await Promise.all([write(one, Write.committed, '01'), write(other, Write.committed, '02')]);
      const [first, second] = await Promise.all([memory(one), memory(other)]);
      expect(first.staticCounter + first.staticBytes).to.equal('00010100');
      expect(second.staticCounter + second.staticBytes).to.equal('00020200');
    }
    await select(one, probeB);
    expect((await memory(one)).staticCounter, 'but the instances of one card do').to.equal('0001');
  });
});
