// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { withIssuerCard } from '../../applet/test/support/card.ts';
import { openIssuer } from '../../applet/test/support/scp10-host.ts';
import { soakRuns } from '../../setup/soak/runs.ts';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import { capComponents, joined, loadFileDataBlock } from '../../toolchain/test/zip.ts';
import { type CardImage, type SimulatedCard, SimulatorError, sharedSimulator, startSimulator } from '../src/index.ts';
import { memory, probeA, select, send, Write, write, written } from './fixture/probe.ts';

const MANAGER = 'F0000000090101';
const PROBE = 'F000000001';
const PROBE_MODULE = 'F00000000101';
const TALLY = 'F000000002';
const VOTER = 'F000000003';
const VOTER_INSTANCE = 'F0000000030101';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const lv = (...fields: string[]): string => fields.map((field) => byte(field.length / 2) + field).join('');

/** A card whose one domain hands INSTALL, LOAD, DELETE and GET STATUS to OPEN in clear. */
const managed: CardImage = {
  name: 'managed',
  atr: '3B00',
  isd: null,
  loadFiles: [
    {
      aid: 'F000000009',
      path: resolve(import.meta.dirname, '../java/target/test-classes'),
      modules: [{ aid: 'F00000000901', class: 'org.opentsm.simulator.domain.Manager' }],
    },
  ],
  applications: [{ module: 'F00000000901', aid: MANAGER, privileges: '80D480' }],
};

/** The manager selected, and PERSONALIZED: before that a domain manages nothing. */
async function personalize(card: SimulatedCard): Promise<void> {
  await select(card, MANAGER);
  expect(await send(card, `80F0400F07${MANAGER}`)).to.equal('9000');
}

/** True when the power went at that write of the command; the card is on again then. */
async function cutAt(card: SimulatedCard, atWrite: number, apdu: string): Promise<boolean> {
  await card.cutPower({ atWrite });
  try {
    expect(await send(card, apdu)).to.equal('009000');
    await card.cutPower({ atWrite: 0 });
    return false;
  } catch (error) {
    if (!(error instanceof SimulatorError) || error.code !== 'power-cut') throw error;
    await card.power('on');
    return true;
  }
}

const command = (header: string, data: string): string => `${header}${byte(data.length / 2)}${data}00`;

describe('LOAD', function () {
  this.timeout(600_000);
  let folder = '';
  const blocks = new Map<string, Buffer>();

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-load-'));
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', join(import.meta.dirname, 'fixture/test-caps.xml')], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
    for (const [aid, name] of [
      [PROBE, 'probe'],
      [TALLY, 'tally'],
      [VOTER, 'voter'],
    ] as const) {
      blocks.set(aid, loadFileDataBlock(readFileSync(join(folder, `${name}.cap`))));
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const block = (aid: string): Buffer => blocks.get(aid) ?? Buffer.alloc(0);

  /** `C4 82 xxxx` before the components. */
  const wrapped = (components: Buffer): Buffer =>
    Buffer.concat([Buffer.of(0xc4, 0x82, components.length >> 8, components.length & 0xff), components]);

  async function announce(card: SimulatedCard, aid: string, hash = '', p1p2 = '0200'): Promise<string> {
    return send(card, command(`80E6${p1p2}`, lv(aid, '', hash, '', '')));
  }

  /** All blocks; answers the last status word. */
  async function load(card: SimulatedCard, file: Buffer, size = 239): Promise<string> {
    let answer = '';
    for (let at = 0, number = 0; at < file.length; at += size, number++) {
      const last = at + size >= file.length;
      const part = hex(file.subarray(at, at + size));
      answer = await send(card, command(`80E8${last ? '80' : '00'}${byte(number & 0xff)}`, part));
      if (!answer.endsWith('9000')) return answer;
    }
    return answer;
  }

  const install = (card: SimulatedCard, aid: string, module: string, instance: string): Promise<string> =>
    send(card, command('80E60C00', lv(aid, module, instance, '00', 'C900', '')));

  async function on(act: (card: SimulatedCard) => Promise<void>, image = managed): Promise<void> {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(image);
    await personalize(card);
    await act(card);
  }

  it('makes an applet that runs, which is deleted and loaded again', () =>
    on(async (card) => {
      for (let round = 0; round < 2; round++) {
        expect(await announce(card, PROBE)).to.equal('009000');
        expect(await load(card, wrapped(block(PROBE)))).to.equal('009000');
        expect(await install(card, PROBE, PROBE_MODULE, probeA)).to.equal('009000');
        expect(await select(card, probeA)).to.equal('9000');
        await write(card, Write.committed, '5A');
        expect(await memory(card)).to.include(written('5A'));
        await select(card, MANAGER);
        expect(await send(card, command('80F21002', `4F05${PROBE}`))).to.contain(
          `4F05${PROBE}9F700101CE0201008406${PROBE_MODULE}`,
        );
        expect(await send(card, command('80E40000', `4F05${PROBE}`))).to.equal('6985');
        expect(await send(card, command('80E40080', `4F05${PROBE}`))).to.equal('009000');
        expect(await select(card, probeA)).to.equal('6A82');
        expect(await install(card, PROBE, PROBE_MODULE, probeA)).to.equal('6A88');
      }
    }));

  it('makes no instance where install() leaves a transaction open', () =>
    on(async (card) => {
      expect(await announce(card, PROBE)).to.equal('009000');
      expect(await load(card, wrapped(block(PROBE)))).to.equal('009000');
      const data = lv(PROBE, PROBE_MODULE, probeA, '00', 'C901ED', '');
      expect(await send(card, command('80E60C00', data))).to.equal('6A80');
      expect(await select(card, probeA)).to.equal('6A82');
      await select(card, MANAGER);
      expect(await install(card, PROBE, PROBE_MODULE, probeA)).to.equal('009000');
    }));

  it('by the card maker gives install() as many parameters as an INSTALL does', () =>
    on(async (card) => {
      const cap = join(folder, 'probe.cap');
      const refusal = /^probe\.cap: parameters are 244 bytes, not 0 to 243: install\(\) gets at most 255 bytes/;
      const error = await card.load(cap, '00'.repeat(244)).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(SimulatorError).with.property('message').that.matches(refusal);
      expect(await card.load(cap, '00'.repeat(243))).to.deep.equal([PROBE_MODULE]);
      const image = (length: number): CardImage => ({
        name: 'caps',
        atr: '3B00',
        isd: null,
        loadFiles: [{ cap }],
        installAll: true,
        installParameters: '00'.repeat(length),
      });
      const simulator = await sharedSimulator();
      await using made = await simulator.insert(image(243));
      expect(made.name).to.equal('caps');
      const wrong = await simulator.insert(image(244)).catch((reason: unknown) => reason);
      expect(wrong).to.be.instanceOf(SimulatorError).with.property('field', 'installParameters');
    }));

  it('runs code that came without its Descriptor as with it', () =>
    on(async (card) => {
      const bare = capComponents(readFileSync(join(folder, 'probe.cap')));
      bare.delete('Descriptor');
      expect(await announce(card, PROBE)).to.equal('009000');
      expect(await load(card, wrapped(joined(bare)))).to.equal('009000');
      expect(await install(card, PROBE, PROBE_MODULE, probeA)).to.equal('009000');
      expect(await select(card, probeA)).to.equal('9000');
      await write(card, Write.committed, '5A');
      expect(await write(card, Write.thrown, '09')).to.equal('6A81');
      expect(await memory(card)).to.include(written('5A'));
    }));

  it('takes a length of three bytes, which a file over 64 KiB needs', () =>
    on(async (card) => {
      const file = (length: number, components: Buffer): Buffer =>
        Buffer.concat([Buffer.of(0xc4, 0x83, 0, length >> 8, length & 0xff), components]);
      const { length } = block(TALLY);
      for (const wrong of [length - 1, length + 1]) {
        await announce(card, TALLY);
        expect(await load(card, file(wrong, block(TALLY))), `${wrong - length}`).to.equal('6A80');
      }
      await announce(card, TALLY);
      expect(await load(card, file(length, block(TALLY)))).to.equal('009000');
    }));

  it('checks the hash, whatever its algorithm', () =>
    on(async (card) => {
      for (const algorithm of ['sha1', 'sha256', 'sha384', 'sha512']) {
        const digest = createHash(algorithm).update(block(TALLY)).digest();
        expect(await announce(card, TALLY, hex(digest))).to.equal('009000');
        expect(await load(card, wrapped(block(TALLY)))).to.equal('009000');
        await send(card, command('80E40000', `4F05${TALLY}`));
        digest[3] = (digest[3] ?? 0) ^ 1;
        await announce(card, TALLY, hex(digest));
        expect(await load(card, wrapped(block(TALLY)))).to.equal('6A80');
      }
      expect(await announce(card, TALLY, 'AA'.repeat(21))).to.equal('6A80');
    }));

  it('takes blocks in order only, behind INSTALL [for load] only', () =>
    on(async (card) => {
      expect(await send(card, command('80E80000', 'C4'))).to.equal('6985');
      await announce(card, TALLY);
      expect(await send(card, command('80E80001', 'C4'))).to.equal('6A86');
      expect(await send(card, command('80E80000', 'C4'))).to.equal('6985');
      await announce(card, TALLY);
      expect(await send(card, command('80E80000', 'C4'))).to.equal('009000');
      expect(await send(card, command('80E80000', 'C4'))).to.equal('6A86');
      await announce(card, TALLY);
      await send(card, command('80E40000', `4F05${VOTER}`));
      expect(await send(card, command('80E80000', 'C4'))).to.equal('6985');
      await announce(card, TALLY);
      await card.reset();
      await select(card, MANAGER);
      expect(await send(card, command('80E80000', 'C4'))).to.equal('6985');
    }));

  it('refuses what is no CAP, or is another than announced, and leaves nothing', () =>
    on(async (card) => {
      const broken = Buffer.from(block(TALLY));
      broken.writeUInt8(0xff, broken.length - 3);
      for (const file of [
        wrapped(Buffer.from('00', 'hex')),
        wrapped(block(PROBE)),
        block(TALLY),
        wrapped(broken),
        wrapped(block(TALLY)).subarray(0, -1),
      ]) {
        await announce(card, TALLY);
        expect(await load(card, file)).to.equal('6A80');
        expect(await send(card, command('80F22002', `4F05${TALLY}`))).to.equal('6A88');
      }
      expect(await announce(card, 'F000000009')).to.equal('6985');
    }));

  it("takes the name of no package of the card's API", () =>
    on(async (card) => {
      for (const aid of ['A0000000620101', 'A000000062020801', 'A00000015100', 'A0000000090005FFFFFFFF8912000000']) {
        expect(await announce(card, aid)).to.equal('6985');
      }
      expect(await announce(card, 'A000000062020801FF')).to.equal('009000');
    }));

  it('links to a library loaded before, which stays while it is needed', () =>
    on(async (card) => {
      await announce(card, VOTER);
      expect(await load(card, wrapped(block(VOTER))), 'as cards of the field say it').to.equal('6438');
      for (const aid of [TALLY, VOTER]) {
        await announce(card, aid);
        expect(await load(card, wrapped(block(aid)))).to.equal('009000');
      }
      expect(await install(card, VOTER, 'F00000000301', VOTER_INSTANCE)).to.equal('009000');
      expect(await send(card, command('80E40080', `4F05${TALLY}`))).to.equal('6985');
      await select(card, VOTER_INSTANCE);
      expect(await send(card, '8000040000')).to.equal('006800049000');
      await select(card, MANAGER);
      expect(await send(card, command('80E40080', `4F05${VOTER}`))).to.equal('009000');
      expect(await send(card, command('80E40000', `4F05${TALLY}`))).to.equal('009000');
    }));

  it('is there or not, and so is DELETE with its applet, where power is lost at one of their writes', () =>
    on(async (card) => {
      await announce(card, TALLY);
      expect(await load(card, wrapped(block(TALLY)))).to.equal('009000');
      const file = wrapped(block(VOTER));
      const rest = file.length % 239;
      const last = command(`80E880${byte((file.length - rest) / 239)}`, hex(file.subarray(-rest)));
      const remove = command('80E40080', `4F05${VOTER}`);
      const there = async (): Promise<string> => {
        await select(card, MANAGER);
        return send(card, command('80F21002', `4F05${VOTER}`));
      };
      const begin = async (): Promise<void> => {
        expect(await announce(card, VOTER)).to.equal('009000');
        for (let at = 0; at < file.length - rest; at += 239) {
          const part = hex(file.subarray(at, at + 239));
          expect(await send(card, command(`80E800${byte(at / 239)}`, part))).to.equal('009000');
        }
      };
      const absent = await there();
      const seen = { load: new Set<boolean>(), delete: new Set<boolean>() };
      for (let write = 1, cut = true; cut; write += write < 3 || soakRuns(1) > 1 ? 1 : 5) {
        await begin();
        cut = await cutAt(card, write, last);
        const loaded = (await there()) !== absent;
        seen.load.add(loaded);
        if (!loaded) {
          await begin();
          expect(await send(card, last)).to.equal('009000');
        }
        expect(await install(card, VOTER, 'F00000000301', VOTER_INSTANCE)).to.equal('009000');
        const cutDelete = await cutAt(card, write, remove);
        const left = (await there()) !== absent;
        seen.delete.add(left);
        expect(await select(card, VOTER_INSTANCE)).to.equal(left ? '9000' : '6A82');
        await select(card, MANAGER);
        if (left) expect(await send(card, remove)).to.equal('009000');
        cut = cut || cutDelete;
      }
      expect([seen.load.size, seen.delete.size]).to.deep.equal([2, 2]);
    }));

  it('loads, installs and makes selectable in one, or not at all', () =>
    on(async (card) => {
      const last = (parameters: string): Promise<string> =>
        send(card, command('80E60E03', lv(PROBE, PROBE_MODULE, probeA, '00', parameters, '')));
      expect(await announce(card, PROBE, '', '0E01')).to.equal('009000');
      expect(await load(card, wrapped(block(PROBE)))).to.equal('009000');
      expect(await last('C901EE')).to.equal('6A80');
      expect(await send(card, command('80F22002', `4F05${PROBE}`))).to.equal('6A88');
      expect(await last('C900')).to.equal('6985');
      await announce(card, PROBE, '', '0E01');
      await load(card, wrapped(block(PROBE)));
      expect(await last('C900')).to.equal('009000');
      expect(await select(card, probeA)).to.equal('9000');
    }));

  const signer = 'F0000000090102';
  const signed: CardImage = {
    ...managed,
    applications: [...(managed.applications ?? []), { module: 'F00000000901', aid: signer, privileges: 'C18000' }],
  };

  it('asks the domain with Mandated DAP Verification, which the DAP block names', () =>
    on(async (card) => {
      const dap = (aid: string, signature: number): Buffer =>
        Buffer.concat([Buffer.from(`E20C4F07${aid}C301`, 'hex'), Buffer.of(signature), wrapped(block(TALLY))]);
      const hash = createHash('sha256').update(block(TALLY)).digest();
      const signature = hash.reduce((sum, part) => sum ^ part, 0);
      for (const [file, answer] of [
        [wrapped(block(TALLY)), '6985'],
        [dap(signer, signature ^ 1), '6985'],
        [dap(MANAGER, signature), '6985'],
        [dap(signer, signature), '009000'],
      ] as const) {
        await announce(card, TALLY, hex(hash));
        expect(await load(card, file)).to.equal(answer);
      }
    }, signed));

  it(
    "comes through the issuer's domain and its session",
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      const file = wrapped(block(PROBE));
      expect(await issuer.ok('80E60200', Buffer.from(lv(PROBE, '', '', '', ''), 'hex'), true)).to.equal('00');
      for (let at = 0, number = 0; at < file.length; at += 200, number++) {
        const header = `80E8${at + 200 >= file.length ? '80' : '00'}${byte(number)}`;
        expect(await issuer.ok(header, file.subarray(at, at + 200), true)).to.equal('00');
      }
      const data = lv(PROBE, PROBE_MODULE, probeA, '00', 'C900', '');
      expect(await issuer.ok('80E60C00', Buffer.from(data, 'hex'), true)).to.equal('00');
      const modules = await issuer.ok('80F21002', Buffer.from(`4F05${PROBE}`, 'hex'), true);
      expect(modules.toUpperCase()).to.contain(`8406${PROBE_MODULE}`);
      await card.select(probeA);
    }),
  );

  it('lasts over a restart, with its instances', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'opentsm-load-state-'));
    try {
      for (const first of [true, false]) {
        await using simulator = await startSimulator({ stateDir });
        await using card = await simulator.insert(managed);
        if (first) {
          await personalize(card);
          await announce(card, PROBE);
          expect(await load(card, wrapped(block(PROBE)))).to.equal('009000');
          await install(card, PROBE, PROBE_MODULE, probeA);
          await select(card, probeA);
          await write(card, Write.committed, '77');
        } else {
          await select(card, probeA);
          expect(await memory(card)).to.include(written('77'));
          await select(card, MANAGER);
          expect(await send(card, command('80E40080', `4F05${PROBE}`))).to.equal('009000');
        }
      }
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  it('is whole or nothing when the power ends at any write', async () => {
    const simulator = await sharedSimulator();
    let cuts = 0;
    for (let at = 1; cuts === at - 1 && at < 50; at++) {
      await using card = await simulator.insert(managed);
      await personalize(card);
      await announce(card, PROBE);
      await card.cutPower({ atWrite: at });
      try {
        await load(card, wrapped(block(PROBE)));
      } catch {
        cuts++;
        await card.power('on');
      }
      await card.cutPower({ atWrite: 0 });
      await select(card, MANAGER);
      const found = await send(card, command('80F22002', `4F05${PROBE}`));
      expect(found.endsWith('9000')).to.equal(cuts !== at);
      if (cuts === at) {
        await announce(card, PROBE);
        expect(await load(card, wrapped(block(PROBE)))).to.equal('009000');
      }
    }
    expect(cuts).to.be.above(0);
  });
});
