// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { probeA, probeImage } from './fixture/probe.ts';

const command = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const select = `00A4040007${probeA}00`;

describe('the verbs of the command line', () => {
  let folder = '';
  let image = '';
  const script = async (name: string, ...lines: string[]): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, lines.join('\n'));
    return file;
  };
  const runner = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code: code as number, out, err };
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-verbs-'));
    const { applications = [], ...rest } = probeImage({ name: 'verbs', atr: '3B80800101' });
    image = await script('image.json', JSON.stringify({ ...rest, applications: applications.slice(0, 1) }));
  });
  after(() => rm(folder, { recursive: true }));

  it('has help for each', async () => {
    const { code, out } = await runner('--help');
    expect(code).to.equal(0);
    const verbs = [...out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, verb]) => verb ?? '');
    expect(verbs)
      .to.include.members(['start', 'apdu', 'tear', 'snapshot', 'install-maven', 'farm', 'corpus'])
      .and.have.length(15);
    for (const verb of ['apdu', 'tear']) {
      const help = await runner(verb, '--help');
      expect(help.code, verb).to.equal(0);
      expect(help.out, verb).to.match(new RegExp(`^usage: jcardsim-runner ${verb} `));
    }
  });

  it('apdu sends commands and says what is not as expected', async () => {
    const file = await script(
      'apdu.txt',
      `${select} = 9000  # the probe`,
      '80 01 00 55',
      '',
      'reset',
      `${select} = 6A82`,
    );
    const { code, out } = await runner('apdu', image, '--script', file, '8002000000');
    expect(out.split('\n')).to.deep.equal([
      `${select} -> 9000`,
      '80010055 -> 9000',
      'reset -> done',
      `${select} -> 9000   expected 6A82`,
      '8002000000 -> 55555555005500550000000055009000',
      '',
    ]);
    expect(code).to.equal(1);
    expect((await runner('apdu', image, '80ZZ')).code, 'not hex').to.equal(2);
  });

  it('wear counts writes, memory says what grew, both where in the source', async () => {
    const source = 'org/opentsm/simulator/testapplet/Probe.java:\\d+';
    expect((await runner('wear', image, select, '80010055')).out)
      .to.match(/80010055 -> 9000 {3}6 writes\n6 writes in all\n/)
      .and.match(new RegExp(`^  ${source}: \\d+ writes, [1-9]\\d* of them by the commands$`, 'm'));
    const { out } = await runner('memory', image, select, '80090000');
    expect(out).to.match(new RegExp(`^${probeA}: \\d+ bytes, RAM \\d+ \\+ \\d+\n`));
    expect(out).to.contain(`80090000 -> 9000   ${probeA}: +9 bytes, RAM 0`);
    expect(out).to.match(new RegExp(`^  ${source}: \\d+ bytes, 9 of them by the commands$`, 'm'));
  });

  it('tear finds the command that is done by half, and none in a transaction', async () => {
    const half = await runner('tear', await script('half.txt', select, '80010055'), '--image', image);
    expect(half.code).to.equal(1);
    expect(half.out).to.contain('half.txt:2: write 2: 80010055 was done by half');
    const whole = await runner('tear', await script('whole.txt', select, '80010155'), '--image', image);
    expect(whole.out).to.match(/^\d+ writes, 0 where the state broke\n$/);
    expect(whole.code).to.equal(0);
  });

  it('coverage tells lines as lcov, also when an answer is wrong', async () => {
    const out = join(folder, 'lcov.info');
    const file = await script('wrong.txt', `${select} = 9000`, '80010055 = 6A82');
    const { code, err } = await runner('coverage', image, '--out', out, '--script', file);
    expect([code, err]).to.deep.equal([1, '80010055 answered 9000, not 6A82\n']);
    const records = await readFile(out, 'utf8');
    expect(records).to.contain('SF:org/opentsm/simulator/testapplet/Probe.java');
    expect(records)
      .to.match(/^DA:\d+,1$/m)
      .and.to.match(/^DA:\d+,0$/m);
  });

  it('snapshot, restore, remove and insert act on a runner', async () => {
    const control = join(folder, 'control');
    const child = spawn(process.execPath, [command, 'start', image, '--control', control], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface({ input: child.stdout }), 'line');
    const ask = async (...words: string[]): Promise<string> => {
      let answer = await runner(...words, '--control', control);
      // The socket comes a moment after the card's line.
      for (let tries = 0; answer.err.includes('no runner') && child.exitCode === null && tries < 20; tries += 1) {
        answer = await runner(...words, '--control', control);
      }
      return `${answer.out}${answer.err}`.trim();
    };
    const saved = join(folder, 'saved.card');
    expect(await ask('snapshot', saved)).to.equal(`saved to ${saved}`);
    expect(await ask('remove')).to.equal('removed');
    expect(await ask('snapshot', saved)).to.contain('no card is inserted');
    expect(await ask('insert')).to.equal('inserted');
    expect(await ask('restore', saved)).to.equal(`restored from ${saved}`);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
    expect(await ask('remove')).to.contain('no runner');
  });
});
