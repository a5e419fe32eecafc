// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { numbered, withOwnKeys } from '../src/commands/farm.ts';
import { readCardImage, type Simulator, type SimulatorLoad, startSimulator } from '../src/index.ts';
import { killWhileBusy, nth } from './fixture/busy-farm.ts';
import { memory, probeA, probeImage, select, Write, write, written } from './fixture/probe.ts';

/** A dozen in CI; the variable asks for more. */
const cards = Number(process.env.OPENTSM_FARM_CARDS ?? 12);

const LOOKS = 8;
/** So many that a megabyte here or there is little of each. */
const IDLE = 48;

/** When no card is in memory that has a file to be in. */
async function idle(simulator: Simulator): Promise<SimulatorLoad> {
  for (;;) {
    const load = await simulator.load();
    if (load.awake === 0) return load;
    await delay(100);
  }
}

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
      expect(await write(card, Write.plain, nth(index + 1))).to.equal('9000');
    }
    first.kill();
    await using second = await startSimulator({ stateDir, awake: 2 });
    for (let number = 1; number <= cards; number += 1) {
      const card = await second.insert(numbered(image, number));
      await select(card, probeA);
      expect(await memory(card), `card ${number}`).to.include(written(nth(number)));
    }
    await rm(stateDir, { recursive: true });
  });

  it('loses no answered command when the process is killed between two others', async () => {
    await killWhileBusy(3, 5);
  });

  it('takes little memory for a card that is idle, with two domains', async function () {
    this.timeout(120_000);
    const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-farm-'));
    const { image } = await readCardImage('gp');
    const keySets = image.isd?.keySets ?? [];
    const domains = { ...image, ssds: [{ aid: 'F04F50454E54534D01', keySets }] };
    await using simulator = await startSimulator({ stateDir, awake: 0 });
    const insert = async (from: number, to: number): Promise<number> => {
      for (let number = from; number <= to; number += 1) await simulator.insert(numbered(domains, number));
      // A thread's allocation buffer, a megabyte at times, is more than what is measured here.
      const bytes: number[] = [];
      while (bytes.length < LOOKS) {
        const { heapBytes, classBytes } = await idle(simulator);
        bytes.push(heapBytes + classBytes);
      }
      return Math.min(...bytes);
    };
    // What comes once, as compiled code does, has come with the first ones.
    const before = await insert(1, 16);
    const after = await insert(17, 16 + IDLE);
    expect((after - before) / IDLE).to.be.below(150 * 1024);
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

  it('gives each card keys of its own, the same each time', async () => {
    const { image } = await readCardImage('gp');
    const keysOf = (number: number): readonly string[] =>
      (withOwnKeys(numbered(image, number)).isd?.keySets ?? []).flatMap(({ enc, mac, dek }) => [enc, mac, dek]);
    expect(keysOf(1)).to.deep.equal(keysOf(1)).and.have.length(6);
    expect(new Set([...keysOf(1), ...keysOf(2)])).to.have.property('size', 12);
    expect(keysOf(1)[0]).to.have.length(32);
  });
});
