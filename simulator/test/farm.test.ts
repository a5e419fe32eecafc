// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { numbered } from '../src/commands/farm.ts';
import { startSimulator } from '../src/index.ts';
import { memory, probeA, probeImage, select, Write, write, written } from './fixture/probe.ts';

/** A dozen in CI; the variable asks for more. */
const cards = Number(process.env.OPENTSM_FARM_CARDS ?? 12);
const byte = (number: number): string => (number & 0xff).toString(16).padStart(2, '0').toUpperCase();

describe('a farm of cards', () => {
  it('keeps idle cards in their files, and every answered command when the process is killed', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-farm-'));
    const image = probeImage({ name: 'farm' });
    const first = await startSimulator({ stateDir, awake: 2 });
    const made = [];
    for (let number = 1; number <= cards; number += 1) made.push(await first.insert(numbered(image, number)));
    let load = await first.load();
    for (const deadline = Date.now() + 30_000; load.awake > 2 && Date.now() < deadline; ) load = await first.load();
    expect(load).to.include({ cards, awake: 2 });
    for (const [index, card] of made.entries()) {
      await select(card, probeA);
      expect(await write(card, Write.plain, byte(index + 1))).to.equal('9000');
    }
    first.kill();
    await using second = await startSimulator({ stateDir, awake: 2 });
    for (let number = 1; number <= cards; number += 1) {
      const card = await second.insert(numbered(image, number));
      await select(card, probeA);
      expect(await memory(card), `card ${number}`).to.include(written(byte(number)));
    }
    await rm(stateDir, { recursive: true });
  });

  it('gives each card numbers of its own', () => {
    const image = probeImage({ name: 'farm', cin: '00000000000000', seed: '01' });
    expect(numbered(image, 7)).to.deep.include({
      name: 'farm-000007',
      iccid: '8986001234567000007F',
      cin: '00000000000007',
    });
    expect(numbered(image, 7)).not.to.have.property('seed');
  });
});
