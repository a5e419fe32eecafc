// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import { capComponents, joined, loadFileDataBlock } from '../../toolchain/test/zip.ts';
import { type CardImage, readCardImage, SimulatorError, sharedSimulator, startSimulator } from '../src/index.ts';
import { memory, probeA, probeB, probeImage, select, send, Write, write, written } from './fixture/probe.ts';
import { exchange, imageOf, readTranscript, transcripts } from './fixture/transcript.ts';

describe('CAP files in a card image', function () {
  this.timeout(600_000);
  let folder = '';
  let domains = '';
  let probe = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-caps-'));
    for (const build of [['cap-3.0.5'], ['-f', join(import.meta.dirname, 'fixture/test-caps.xml')]]) {
      const run = antJavacard([`-Dcap.dir=${folder}`, ...build], ROOT);
      expect(run.code, run.err + run.out).to.equal(0);
    }
    domains = join(folder, 'securitydomain-3.0.5.cap');
    probe = join(folder, 'probe.cap');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const probeCard = (cap = probe): CardImage => probeImage({ loadFiles: [{ cap }] });

  /** A load file of the same components with some bytes changed. */
  function changed(cap: string, name: string, change: (component: Buffer) => void): string {
    const zip = readFileSync(cap);
    const component = capComponents(zip).get(name) ?? Buffer.alloc(0);
    const block = loadFileDataBlock(zip);
    const at = block.indexOf(component);
    expect(at, name).to.be.at.least(0);
    change(block.subarray(at, at + component.length));
    const file = join(folder, `changed-${name}.ijc`);
    writeFileSync(file, block);
    return file;
  }

  async function refusal(image: CardImage): Promise<SimulatorError> {
    const simulator = await sharedSimulator();
    try {
      await using card = await simulator.insert(image);
      expect.fail(`card ${card.name} was made`);
    } catch (error) {
      if (error instanceof SimulatorError) return error;
      throw error;
    }
  }

  /** The applet that reads resources, as a load file with a StaticResources component of these bytes. */
  function withResources(name: string, info: string): CardImage {
    const components = capComponents(readFileSync(join(folder, 'resources.cap')));
    const bytes = Buffer.from(info, 'hex');
    // Tag, u2 size, twelve u2 sizes: then the u4 of this component; JCVM 3.1 6.4.
    components.get('Directory')?.writeUInt32BE(bytes.length, 3 + 24);
    const head = Buffer.of(13, 0, 0, 0, bytes.length);
    const file = join(folder, `${name}.ijc`);
    writeFileSync(file, Buffer.concat([joined(components), head, bytes]));
    return { name, atr: '3B00', isd: null, loadFiles: [{ cap: file }], installAll: true };
  }

  for (const [name, info] of [
    ['lines-first', '0002 0007 00000003 8001 00000002 C1C2C3 D1D2'],
    ['one-by-one', '0002 0007 00000003 C1C2C3 8001 00000002 D1D2'],
  ] as const) {
    it(`gives an applet the resources of its CAP, read-only: ${name}`, async () => {
      const simulator = await sharedSimulator();
      await using card = await simulator.insert(withResources(name, info.replaceAll(' ', '')));
      await select(card, 'F00000000A01');
      expect(await send(card, '8001000700')).to.equal('C1C2C39000');
      expect(await send(card, '8001800100')).to.equal('D1D29000');
      expect(await send(card, '8002000700')).to.equal('00039000');
      expect(await send(card, '8001000900'), 'there is none').to.equal('6A83');
      expect(await send(card, '8003000700'), 'written to').to.equal('6982');
    });
  }

  it('refuses resources that do not come out even', async () => {
    const error = await refusal(withResources('uneven', '000100070000FFFFC1'));
    expect(error.message).to.contain('StaticResources');
  });

  describe('with the security domains', () => {
    it('takes those of OPENTSM_DOMAINS_CAP for cards that have some', async () => {
      const { image } = await readCardImage('plain');
      process.env.OPENTSM_DOMAINS_CAP = join(folder, 'none.cap');
      try {
        expect((await refusal(image)).field).to.equal('loadFiles[0].cap');
        process.env.OPENTSM_DOMAINS_CAP = domains;
        const simulator = await sharedSimulator();
        await using card = await simulator.insert(image);
        expect(await send(card, '80CA004200')).to.equal('4204898600129000');
        await using bare = await simulator.insert(probeCard());
        expect(await select(bare, probeA), 'a card without domains').to.equal('9000');
      } finally {
        delete process.env.OPENTSM_DOMAINS_CAP;
      }
    });

    for (const file of transcripts) {
      it(`${file}: the card answers every byte`, async () => {
        const transcript = readTranscript(file);
        const simulator = await sharedSimulator();
        await using card = await simulator.insert({ ...imageOf(transcript), loadFiles: [{ cap: domains }] });
        await send(card, '00A4040000');
        for (const step of transcript.initiation) {
          expect(await exchange(card, step.command), step.name).to.equal(step.response);
        }
      });
    }

    it('runs issuer, controlling-authority and supplementary domains as the class files do', async () => {
      const { image } = await readCardImage('plain');
      const { keyPair = null, trustPoint = null } = image.isd ?? {};
      const ssd = { aid: 'F04F50454E54534D01', applicationProviderId: '11'.repeat(16), keyPair, trustPoint };
      const simulator = await sharedSimulator();
      const answers = async (loadFiles: NonNullable<CardImage['loadFiles']>): Promise<readonly string[]> => {
        await using card = await simulator.insert({ ...image, seed: '01', ssds: [ssd], loadFiles });
        const found: string[] = [];
        for (const aid of [image.isd?.aid, image.casd?.aid, ssd.aid]) {
          found.push(await select(card, aid ?? ''));
          for (const command of [
            '80CA004200',
            '80CA004500',
            '80CA006600',
            '80CA00E000',
            '80CA7F2100',
            '80F28000024F0000',
          ])
            found.push(await exchange(card, command));
        }
        // Refused, because this pair was not made on the card; attestation on CAP cards: host/test/flow/cap.test.ts.
        found.push(await exchange(card, `80CAFF60129410${'5A'.repeat(16)}00`));
        const { persistentWrites, allocationsAfterInstall } = await card.statistics();
        return [...found, `${persistentWrites} writes, ${allocationsAfterInstall} allocations`];
      };
      const linked = await answers([{ cap: domains }]);
      expect(linked).to.deep.equal(await answers([]));
      expect(linked.filter((answer) => answer.endsWith('9000'))).to.have.length.of.at.least(8);
      expect(linked.at(-2)).to.equal('6985');
      expect(linked.at(-1)).to.match(/^[1-9]\d* writes, 0 allocations$/);
    });

    it('keeps a personalised card over a restart', async () => {
      const stateDir = mkdtempSync(join(folder, 'state-'));
      const { image } = await readCardImage('plain');
      const identity = async (): Promise<readonly string[]> => {
        await using simulator = await startSimulator({ stateDir });
        const card = await simulator.insert({ ...image, loadFiles: [{ cap: domains }] });
        const found = [await send(card, '00A4040000')];
        for (const command of ['80CA00E000', '80CA7F2100', '80CA004500']) found.push(await exchange(card, command));
        return [...found, await send(card, '80D8000101AA')];
      };
      const before = await identity();
      expect(before[1]).to.match(/^E0.*9000$/);
      expect(before.at(-1), 'nothing is taken in clear').to.equal('6982');
      expect(await identity()).to.deep.equal(before);
    });

    it('runs the bytes of the CAP, not class files of the same applets', async () => {
      const oid = Buffer.from('2A864886FC6B01', 'hex');
      const altered = changed(domains, 'StaticField', (image) => image.writeUInt8(0x2b, image.indexOf(oid)));
      const simulator = await sharedSimulator();
      const { image } = await readCardImage('plain');
      await using card = await simulator.insert({ ...image, loadFiles: [{ cap: altered }] });
      expect(await send(card, '00A4040000')).to.contain('2B864886FC6B01');
    });
  });

  describe('with another applet', () => {
    it('keeps transactions, static fields of each card, RAM and shared calls', async () => {
      const simulator = await sharedSimulator();
      await using card = await simulator.insert(probeCard());
      await using other = await simulator.insert(probeCard());
      await select(card, probeA);
      await write(card, Write.committed, '05');
      expect(await write(card, Write.thrown, '09')).to.equal('6A81');
      expect(await write(card, Write.leftOpen, '09')).to.equal('9000');
      expect(await memory(card)).to.include(written('05'));
      await select(other, probeA);
      expect(await memory(other)).to.include(written('00'));
      expect(await send(card, `8007000007${probeB}00`)).to.equal(`${probeB}${probeA}${probeA}9000`);
      expect(await send(card, `8007010007${probeB}00`)).to.equal('6A99');
      await send(card, '80037700');
      await card.reset();
      await select(card, probeA);
      expect(await memory(card)).to.include({ onDeselect: '0000', onReset: '0000', ...written('05') });
    });

    it('is all or nothing when the power ends at any write', async () => {
      const simulator = await sharedSimulator();
      await using card = await simulator.insert(probeCard());
      let cuts = 0;
      for (let at = 1; at <= 20; at += 1) {
        await select(card, probeA);
        await write(card, Write.plain, '05');
        await card.cutPower({ atWrite: at });
        const end = await write(card, Write.committed, '0A').catch((error: SimulatorError) => error.code);
        await card.power('on');
        await select(card, probeA);
        if (end === 'power-cut') cuts += 1;
        expect(await memory(card), `write ${at}`).to.include(written(end === 'power-cut' ? '05' : '0A'));
        if (end !== 'power-cut') break;
      }
      expect(cuts).to.be.within(5, 19);
    });

    it('runs with the library it imports, when that stands before it', async () => {
      const simulator = await sharedSimulator();
      const [tally, voter] = ['tally.cap', 'voter.cap'].map((name) => ({ cap: join(folder, name) }));
      if (tally === undefined || voter === undefined) throw new Error('no CAP files');
      const applications = ['F0000000030101', 'F0000000030102'].map((aid) => ({ module: 'F00000000301', aid }));
      const image = { ...probeImage(), loadFiles: [tally, voter], applications };
      await using card = await simulator.insert(image);
      await select(card, 'F0000000030101');
      expect(await send(card, '8001050000')).to.equal('006900059000');
      expect(await send(card, '8001020000')).to.equal('006B00079000');
      await select(card, 'F0000000030102');
      expect(await send(card, '8001010000'), 'the field is its own, the total is of the package').to.equal(
        '006C00019000',
      );
      expect(await send(card, '8001090000'), 'an exception of the library').to.equal('6A84');
      const refused = await refusal({ ...image, loadFiles: [voter, tally] });
      expect(refused.message).to.contain('package F000000002 1.0 is imported, but neither linked before nor known');
    });

    it('is taken up where it was left, with the same CAP only', async () => {
      const stateDir = mkdtempSync(join(folder, 'state-'));
      const cap = join(stateDir, 'some.cap');
      writeFileSync(cap, readFileSync(probe));
      {
        await using simulator = await startSimulator({ stateDir });
        const card = await simulator.insert(probeCard(cap));
        await select(card, probeA);
        await write(card, Write.committed, '0B');
      }
      await using simulator = await startSimulator({ stateDir });
      const card = await simulator.insert(probeCard(cap));
      await select(card, probeA);
      expect(await memory(card)).to.include(written('0B'));
      await card.remove();
      writeFileSync(cap, loadFileDataBlock(readFileSync(probe)));
      const failure = await simulator.insert(probeCard(cap)).catch((error: SimulatorError) => error);
      expect(failure).to.include({ code: 'state-mismatch' });
    });
  });

  describe('that cannot run', () => {
    it('is refused with the finding when it is broken', async () => {
      const places = changed(probe, 'RefLocation', (component) => component.writeUInt8(component.readUInt8(5) + 1, 5));
      const refused = await refusal(probeCard(places));
      expect(refused).to.include({ code: 'image-refused', field: 'loadFiles[0].cap' });
      expect(refused.message).to.match(/changed-RefLocation\.ijc: verification: error: .*\[ref-location\]/);
      const code = changed(probe, 'Method', (component) => component.writeUInt8(0xff, component.length - 1));
      expect((await refusal(probeCard(code))).message).to.match(/verification: error: Method .*\[[a-z-]+\]/);
      const magic = changed(probe, 'Header', (component) => component.writeUInt8(0, 3));
      expect((await refusal(probeCard(magic))).message).to.contain('Header at 0: expected magic DECAFFED');
      const truncated = join(folder, 'truncated.cap');
      writeFileSync(truncated, readFileSync(probe).subarray(0, 1000));
      expect(await refusal(probeCard(truncated))).to.include({ code: 'image-refused' });
    });

    it('is refused when it imports what the card does not have', async () => {
      const framework = Buffer.from('07A0000000620101', 'hex');
      const version = changed(probe, 'Import', (c) => c.writeUInt8(99, c.indexOf(framework) - 2));
      expect((await refusal(probeCard(version))).message).to.match(/package A0000000620101 \d+\.99 is imported, but/);
      const unknown = changed(probe, 'Import', (c) => c.writeUInt8(0x7f, c.indexOf(framework) + 7));
      expect((await refusal(probeCard(unknown))).message).to.match(
        /package A000000062017F .* neither linked before nor known/,
      );
    });

    it('is refused when the image and the file disagree', async () => {
      const missing = join(folder, 'missing.cap');
      expect(await refusal(probeCard(missing))).to.include({ code: 'image-invalid', field: 'loadFiles[0].cap' });
      const wrong = await refusal(probeImage({ loadFiles: [{ cap: probe, aid: 'F000000002' }] }));
      expect(wrong).to.include({ code: 'image-invalid', field: 'loadFiles[0].aid' });
      const twice = await refusal(probeImage({ loadFiles: [{ cap: probe }, { cap: probe }] }));
      expect(twice).to.include({ code: 'image-refused', field: 'loadFiles[1].cap' });
      const both = { cap: probe, path: 'classes' } as { cap: string };
      expect(await refusal(probeImage({ loadFiles: [both] }))).to.include({ field: 'loadFiles[0].path' });
    });
  });
});
