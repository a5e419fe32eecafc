// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { antJavacard } from '../../toolchain/test/run.ts';
import { capComponents, joined } from '../../toolchain/test/zip.ts';
import { type CardImage, startSimulator } from '../src/index.ts';
import { send } from './fixture/probe.ts';

const runner = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const sources = resolve(import.meta.dirname, 'fixture/caps');
const BUILD = `<project default="caps"><target name="caps"><javacard>
  <cap targetsdk="3.0.4" sources="${sources}/noted" package="noted" aid="F00000000B" version="1.0" output="noted.cap"
       export="exp" debug="true"/>
  <cap targetsdk="3.0.4" sources="${sources}/notary" aid="F00000000C" version="1.0" output="notary.cap"
       debug="true">
    <applet class="notary.Notary" aid="F00000000C01"/>
    <import exps="exp" jar="exp/noted.jar"/>
  </cap>
</javacard></target></project>`;
const MANAGED: CardImage = {
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
  applications: [{ module: 'F00000000901', aid: 'F0000000090101', privileges: '80D480' }],
};
const SELECT_MANAGER = ['00A4040007F0000000090101 = 9000', '80F0400F07F0000000090101 = 9000'];
const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** INSTALL of the notary with the contents of C9, length first. */
function install(parameters: string): string {
  const fields = `05F00000000C06F00000000C0106F00000000C010100${byte(1 + parameters.length / 2)}C9${parameters}00`;
  return `80E60C00${byte(fields.length / 2)}${fields}00`;
}

async function withoutDescriptor(file: string): Promise<Buffer> {
  const components = capComponents(await readFile(file));
  components.delete('Descriptor');
  return joined(components);
}

/** INSTALL [for load] and LOAD, in clear and without Descriptor, as most tools send a CAP. */
function load(aid: string, code: Buffer, end = '9000'): string[] {
  const file = Buffer.concat([Buffer.of(0xc4, 0x82, code.length >> 8, code.length & 0xff), code]);
  const script = [`80E602000A05${aid}0000000000 = 9000`];
  for (let at = 0, number = 0; at < file.length; at += 200, number += 1) {
    const part = file.subarray(at, at + 200);
    const last = at + 200 >= file.length;
    const header = Buffer.of(0x80, 0xe8, last ? 0x80 : 0, number, part.length);
    script.push(`${Buffer.concat([header, part]).toString('hex')}00 = ${last ? end : '9000'}`);
  }
  return script;
}

describe('what a card refuses', function () {
  this.timeout(300_000);
  let folder = '';
  let noted: string[] = [];
  let notary: Buffer = Buffer.of();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-reasons-'));
    await writeFile(join(folder, 'build.xml'), BUILD);
    const built = antJavacard([], folder);
    expect(built.code, built.out + built.err).to.equal(0);
    await writeFile(join(folder, 'managed.json'), JSON.stringify(MANAGED));
    noted = load('F00000000B', await withoutDescriptor(join(folder, 'noted.cap')));
    notary = await withoutDescriptor(join(folder, 'notary.cap'));
  });
  after(() => rm(folder, { recursive: true }));

  async function run(script: readonly string[], ...more: string[]): Promise<{ code: number | null; err: string }> {
    await writeFile(join(folder, 'script'), script.join('\n'));
    const words = [runner, 'coverage', 'managed.json', '--script', 'script', ...more];
    const child = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    return { code: child.status, err: child.stderr };
  }

  it('is told in words: a package whose library came without Descriptor', async () => {
    const refused = await run([...SELECT_MANAGER, ...noted, ...load('F00000000C', notary, '6A80')]);
    expect(refused.err).to.match(/^LOAD refused: .*; library F00000000B was loaded without its Descriptor component/m);
    expect(refused.code, refused.err).to.equal(0);
  });

  it('is taken with the file that the library came from, and the reason of install() is told', async () => {
    const script = [...SELECT_MANAGER, ...noted, ...load('F00000000C', notary)];
    script.push(`${install('0101')} = 6A80`, `${install('00')} = 9000`, '00A4040006F00000000C0100 = 00019000');
    const taken = await run(script, '--lines', 'noted.cap');
    expect(taken.err).to.match(/^install\(\) of F00000000C01 threw CryptoException, reason 3 \(no such algorithm\)/m);
    expect(taken.err).not.to.contain('LOAD refused');
    expect(taken.code, taken.err).to.equal(0);
  });

  it('is on the saved card with the file that its library came from and without', async () => {
    const stateDir = join(folder, 'states');
    const lines = [join(folder, 'noted.cap')];
    const say = async (steps: readonly string[], named?: readonly string[]): Promise<void> => {
      await using simulator = await startSimulator({ stateDir, lines: named });
      await using card = await simulator.insert(MANAGED);
      for (const [command, end] of steps.map((step) => step.split(' = '))) {
        expect((await send(card, command ?? '')).endsWith(end ?? ''), command).to.equal(true);
      }
    };
    await say([...SELECT_MANAGER, ...noted, ...load('F00000000C', notary), `${install('00')} = 9000`], lines);
    for (const [named, count] of [
      [undefined, '0001'],
      [[...lines, join(folder, 'notary.cap')], '0002'],
    ] as const) {
      await say([`00A4040006F00000000C0100 = ${count}9000`], named);
    }
  });

  it('is told for bytes that are no load file', async () => {
    const refused = await run([...SELECT_MANAGER, ...load('F00000000C', notary.subarray(0, 90), '6A80')]);
    expect(refused.err).to.match(/^LOAD refused: /m);
    expect(refused.code, refused.err).to.equal(0);
  });
});
