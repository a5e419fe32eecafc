// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const SIDE = join(import.meta.dirname, 'upgrade-side.ts');
const { commit }: { readonly commit: string } = JSON.parse(
  readFileSync(join(ROOT, 'host/test/store/released-migrations.json'), 'utf8'),
);

/** The code of the release before makes the databases and leaves a flow at work; ours goes on with them. */
describe('an upgrade from the release before', function () {
  this.timeout(1_800_000);
  let state = '';

  before(async () => {
    state = await mkdtemp(join(tmpdir(), 'opentsm-upgrade-'));
  });
  after(() => rm(state, { recursive: true, force: true }));

  /** A checkout of the commit, built, with the packages of this one. */
  async function release(): Promise<string> {
    const folder = join(ROOT, 'build', 'releases', commit);
    if (existsSync(join(folder, 'simulator/java/target/opentsm-simulator.jar'))) return folder;
    await rm(folder, { recursive: true, force: true });
    await run('git', ['clone', '--quiet', ROOT, folder]);
    await run('git', ['-C', folder, 'checkout', '--quiet', commit]);
    await cp(join(ROOT, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
    await run('mvn', ['-q', '-B', '-DskipTests', 'package'], { cwd: folder, maxBuffer: 1 << 24 });
    return folder;
  }

  const play = async (checkout: string, side: 'before' | 'after') => {
    const words = ['--disable-warning=ExperimentalWarning', SIDE, checkout, state, side];
    const { stdout } = await run(process.execPath, words, { timeout: 600_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  };

  it('keeps what had ended, and ends what was at work', async () => {
    expect(await play(await release(), 'before')).to.deep.equal({ ended: 'distributed' });
    expect(await play(ROOT, 'after')).to.deep.equal({ ended: 'distributed', sameFlow: true, waiting: 'distributed' });
  });
});
