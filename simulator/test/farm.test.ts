// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { derive } from '../../applet/test/support/scp03-host.ts';
import { keyList, numbered, withOwnKeys } from '../src/commands/farm.ts';
import { readCardImage, type Simulator, type SimulatorLoad, sharedSimulator, startSimulator } from '../src/index.ts';
import { killWhileBusy, nth } from './fixture/busy-farm.ts';
import { memory, probeA, probeImage, select, send, Write, write, written } from './fixture/probe.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

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

  it('gives cards of the field, whose name is their CPLC, numbers and keys of their own', async () => {
    const { image } = await readCardImage('jcop');
    const [first, second] = [withOwnKeys(numbered(image, 1)), withOwnKeys(numbered(image, 2))];
    const shared = image.cplc ?? '';
    expect(second.cplc).to.equal(`${shared.slice(0, 26)}000002${shared.slice(32)}`);
    expect(first.nativeIsd?.enc)
      .to.match(/^[0-9A-F]{32}$/)
      .and.not.equal(second.nativeIsd?.enc);
    expect(withOwnKeys(numbered(image, 1))).to.deep.equal(first);
    const [line = ''] = keyList([first, second]).split('\n');
    expect(JSON.parse(line)).to.deep.include({
      cplc: first.cplc,
      domains: [
        {
          aid: 'A000000151000000',
          keySets: [
            {
              keyVersion: '30',
              type: 'AES',
              enc: first.nativeIsd?.enc,
              mac: first.nativeIsd?.mac,
              dek: first.nativeIsd?.dek,
            },
          ],
        },
      ],
    });
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(second);
    await select(card, 'A000000151000000');
    expect(await send(card, '80CA9F7F00'))
      .to.contain(second.cplc)
      .and.to.match(/9000$/);
    // INITIALIZE UPDATE: 10 bytes of diversification, 3 of the key, card challenge, card cryptogram; Amendment D 7.1.1.
    const host = '0001020304050607';
    const answer = Buffer.from(await send(card, `8050000008${host}`), 'hex');
    const context = Buffer.concat([Buffer.from(host, 'hex'), answer.subarray(13, 21)]);
    const sessionMac = derive(Buffer.from(second.nativeIsd?.mac ?? '', 'hex'), 0x06, 128, context);
    expect(hex(answer.subarray(21, 29))).to.equal(hex(derive(sessionMac, 0x00, 64, context)));
  });
});
