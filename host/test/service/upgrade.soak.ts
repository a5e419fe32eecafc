// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RELEASE } from '../../../setup/soak/release.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const SIDE = join(import.meta.dirname, 'upgrade-side.ts');

/** The code of the release before makes the databases and leaves a flow at work; ours goes on with them. */
describe('an upgrade from the release before', function () {
  this.timeout(1_800_000);
  let state = '';

  before(async () => {
    state = await mkdtemp(join(tmpdir(), 'opentsm-upgrade-'));
  });
  after(() => rm(state, { recursive: true, force: true }));

  const play = async (checkout: string, side: 'before' | 'after') => {
    const words = ['--disable-warning=ExperimentalWarning', SIDE, checkout, state, side];
    const { stdout } = await run(process.execPath, words, { timeout: 600_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  };

  it('keeps what had ended, and ends what was at work', async () => {
    expect(await play(RELEASE, 'before')).to.deep.equal({ ended: 'distributed' });
    expect(await play(ROOT, 'after')).to.deep.equal({ ended: 'distributed', sameFlow: true, waiting: 'distributed' });
  });
});
