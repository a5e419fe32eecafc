// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  type CardImage,
  readCardImage,
  type SimulatedCard,
  type Simulator,
  SimulatorError,
  startSimulator,
} from '../src/index.ts';
import { memory, probeA, probeB, probeImage, select, send, Write, write, written } from './fixture/probe.ts';

describe('saved state', () => {
  let stateDir = '';
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'opentsm-cards-'));
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  async function run<T>(image: CardImage | string, work: (card: SimulatedCard) => Promise<T>): Promise<T> {
    await using simulator = await startSimulator({ stateDir });
    return await work(await simulator.insert(image));
  }

  const publicKey = (card: SimulatedCard): Promise<string> => send(card, '8005020000');

  it('survives a restart: data, keys and static fields, not RAM', async () => {
    const modulus = await run(probeImage(), async (card) => {
      await select(card, probeA);
      await write(card, Write.committed, '0A');
      await send(card, '80037700');
      return await send(card, '8005000000');
    });
    await run(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await memory(card)).to.include({ ...written('0A'), onDeselect: '0000', onReset: '0000' });
      expect(await publicKey(card)).to.equal(modulus);
      const one = `${'00'.repeat(127)}02`;
      const sealed = (await send(card, `8006000180${one}00`)).slice(0, 256);
      expect(await send(card, `8006010180${sealed}00`), 'the private key still fits').to.equal(`${one}9000`);
      expect(await send(card, `8007000007${probeB}00`)).to.match(/9000$/);
      expect(await send(card, '8005000000'), 'new pairs can be made').not.to.equal(modulus);
      expect(await send(card, '80037700')).to.equal('9000');
      await select(card, probeB);
      await select(card, probeA);
      expect(await memory(card), 'RAM of a restarted card is RAM').to.include({ onDeselect: '0000', onReset: '7700' });
    });
  });

  it('is saved when a command has ended, so a killed simulator loses nothing', async () => {
    const simulator = await startSimulator({ stateDir });
    const card = await simulator.insert(probeImage());
    await select(card, probeA);
    await write(card, Write.committed, '0B');
    simulator.kill();
    await simulator.stop();
    await run(probeImage(), async (again) => {
      await select(again, probeA);
      expect(await memory(again)).to.include(written('0B'));
    });
  });

  it('holds a personalised card', async () => {
    const identity = (card: SimulatedCard): Promise<string[]> =>
      Promise.all(['80CA00E000', '80CA7F2100', '80CA004500', '80CA006600'].map((command) => send(card, command)));
    const before = await run('plain', identity);
    expect(before[0]).to.match(/^E0.*9000$/);
    await run('plain', async (card) => {
      expect(await identity(card)).to.deep.equal(before);
      expect(await send(card, '80D8000101AA'), 'it is not in OP_READY any more').to.equal('6982');
      expect(await select(card, 'A00000015153504341534400')).to.match(/9000$/);
    });
  });

  it('holds a supplementary domain that still has its key', async () => {
    const { image } = await readCardImage('plain');
    const { keyPair = null, trustPoint = null } = image.isd ?? {};
    const ssd = { aid: 'F04F50454E54534D01', applicationProviderId: '11'.repeat(16), keyPair, trustPoint };
    const look = async (card: SimulatedCard): Promise<string> => {
      expect(await select(card, ssd.aid)).to.match(/9000$/);
      // A pair that came with the image is shown, never attested: its maker may know it.
      expect(await send(card, `80CAFF60129410${'5A'.repeat(16)}00`)).to.equal('6985');
      const key = await send(card, '8047810000');
      expect(key).to.match(/^7F49.*61[0-9A-F]{2}$/);
      return key + (await send(card, '80CA00E000'));
    };
    const card = { ...image, ssds: [ssd] };
    const before = await run(card, look);
    expect(before).to.include(keyPair?.modulus.slice(0, 128));
    expect(await run(card, look)).to.equal(before);
  });

  it('holds whose packets are whose, and their least security', async () => {
    const [module, ota] = ['F00000000701', 'F06F70656E74736D0301'];
    const classes = (folder: string) => resolve(import.meta.dirname, '../..', folder);
    const image: CardImage = {
      name: 'levels',
      atr: '3B00',
      iccid: '8986001234567890123F',
      isd: null,
      toolkit: true,
      loadFiles: [
        {
          aid: 'F000000007',
          path: classes('simulator/java/target/test-classes'),
          modules: [{ aid: module, class: 'org.opentsm.simulator.toolkitapplet.Commanded' }],
        },
        {
          aid: 'F06F70656E74736D03',
          path: classes('applet/ota/target/classes'),
          modules: [{ aid: ota, class: 'org.opentsm.ota.RemoteManagement' }],
        },
      ],
      // the reference 010203, and a checksum, ciphering and a higher counter for it
      applications: [
        { module, aid: `${module}01`, uiccParameters: '800CFF00000000' + '020116' + '03010203' },
        { module: ota, aid: ota, parameters: '8E0100' },
      ],
      remoteManagement: [ota],
    };
    // a packet with a checksum alone, which nobody looks at yet
    const packet = `00161502010000010203${'00'.repeat(6)}${'CC'.repeat(8)}`;
    const message = `4005812143F57FF6${'11'.repeat(7)}1B027000${packet}`;
    const refused = (card: SimulatedCard) => send(card, `80C2000033D131820283818B2B${message}`);
    const answer = '027100000B0A010203000000000000' + '0A' + '6200';
    expect(await run(image, refused)).to.equal(answer);
    expect(await run(image, refused)).to.equal(answer);
  });

  it('keeps what INSTALL lets an application do with files', async () => {
    const module = 'F00000000702';
    const image: CardImage = {
      name: 'grants',
      atr: '3B00',
      iccid: '8986001234567890123F',
      isd: null,
      toolkit: true,
      loadFiles: [
        {
          aid: 'F000000007',
          path: resolve(import.meta.dirname, '../java/target/test-classes'),
          modules: [{ aid: module, class: 'org.opentsm.simulator.toolkitapplet.Filer' }],
        },
      ],
      // no toolkit application; what PIN 1 opens in the card's own files
      applications: [{ module, aid: `${module}01`, parameters: '01', uiccParameters: '81070004' + '02010000' + '00' }],
    };
    const read = async (card: SimulatedCard): Promise<string[]> => {
      await select(card, `${module}01`);
      await send(card, '8050000100');
      const answers = [];
      for (const file of ['6FB1', '6FB4']) {
        await send(card, '80510000027F4A');
        await send(card, `8051000002${file}`);
        answers.push((await send(card, '8052000100')).slice(-4));
      }
      return answers;
    };
    for (const time of ['new', 'saved']) expect(await run(image, read), time).to.deep.equal(['6B03', '9000']);
  });

  it('does not repeat seeded randomness after a restart', async () => {
    const draw = async (card: SimulatedCard): Promise<string> => {
      await select(card, probeA);
      return (await send(card, '8004000000')).slice(0, 32);
    };
    const image = probeImage({ seed: '07', randomBytes: 'AABB' });
    const first = await run(image, draw);
    const second = await run(image, draw);
    expect(first).to.match(/^AABB/);
    expect(second).not.to.match(/^AABB/);
    expect(second).not.to.equal(first);
  });

  it('of a release with other files is refused in words, and stays', async () => {
    const name = 'before-file-administration';
    const kept = gunzipSync(await readFile(join(import.meta.dirname, 'fixture', 'states', `${name}.card.gz`)));
    await writeFile(join(stateDir, `${name}.card`), kept);
    await using simulator = await startSimulator({ stateDir });
    const image = { name, atr: '3B00', iccid: '8986001234567890123F', isd: null, toolkit: true } as const;
    const refused = await simulator.insert(image).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(SimulatorError).with.property('code', 'state-mismatch');
    expect(refused).property('message').to.contain('of another version of org.opentsm.simulator.uicc.FileMemory');
    expect((await readFile(join(stateDir, `${name}.card`))).equals(kept)).to.equal(true);
    await rm(join(stateDir, `${name}.card`));
    await (await simulator.insert(image)).remove();
  });

  it('is refused when damaged, truncated, or of another image', async () => {
    await using simulator = await startSimulator({ stateDir });
    const insertAndRemove = async (image: CardImage): Promise<string> => {
      try {
        await (await simulator.insert(image)).remove();
      } catch (error) {
        return error instanceof SimulatorError ? error.code : String(error);
      }
      return 'none';
    };
    expect(await insertAndRemove(probeImage())).to.equal('none');
    expect(await insertAndRemove(probeImage({ atr: '3B01' }))).to.equal('state-mismatch');
    expect(await insertAndRemove(probeImage())).to.equal('none');
    const file = join(stateDir, 'probe.card');
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length += 97) {
      await writeFile(file, whole.subarray(0, length));
      expect(await insertAndRemove(probeImage()), `${length} bytes`).to.equal('state-damaged');
    }
    for (let at = 0; at < whole.length; at += 53) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      await writeFile(file, damaged);
      expect(await insertAndRemove(probeImage()), `byte ${at}`).to.equal('state-damaged');
      await writeFile(file, whole);
    }
  });

  it('is of one card in one simulator at a time, and of its owner alone', async () => {
    const failure = (simulator: Simulator): Promise<string> =>
      simulator.insert(probeImage()).then(
        () => 'none',
        (error: unknown) => (error instanceof SimulatorError ? error.code : String(error)),
      );
    await using simulator = await startSimulator({ stateDir });
    await using other = await startSimulator({ stateDir });
    const card = await simulator.insert(probeImage());
    expect(await failure(simulator)).to.equal('state-in-use');
    expect(await failure(other)).to.equal('state-in-use');
    expect((await stat(join(stateDir, 'probe.card'))).mode & 0o777).to.equal(0o600);
    await card.remove();
    expect(await failure(other)).to.equal('none');
  });

  it('keeps cards apart by the name of their image', async () => {
    await using simulator = await startSimulator({ stateDir });
    for (const name of ['one', 'two']) {
      await using card = await simulator.insert(probeImage({ name }));
      await select(card, probeA);
      await write(card, Write.plain, name === 'one' ? '01' : '02');
    }
    await using one = await simulator.insert(probeImage({ name: 'one' }));
    await select(one, probeA);
    expect(await memory(one)).to.include(written('01'));
  });
});
