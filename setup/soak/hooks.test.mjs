// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);
const MOCHA = join(import.meta.dirname, '../../node_modules/mocha/bin/mocha.js');
const HOOKS = join(import.meta.dirname, 'hooks.mjs');

/** Each of them longer than it may take. */
const SLOW = `
  const slow = () => new Promise((done) => setTimeout(done, 50));
  describe('outside', function () {
    this.timeout(1);
    before(slow);
    after(slow);
    describe('inside', () => {
      beforeEach(slow);
      afterEach(slow);
      it('is slow', slow);
    });
  });`;

describe('a test of a soak', () => {
  it('takes as long as it likes, as do its hooks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-hooks-'));
    const file = join(folder, 'slow.test.cjs');
    await writeFile(file, SLOW);
    const play = (...words) =>
      run(process.execPath, [MOCHA, '--no-config', ...words, file]).catch(({ stdout }) => ({ stdout }));
    expect((await play()).stdout)
      .to.include('before all')
      .and.include(' failing');
    expect((await play('--require', HOOKS)).stdout)
      .to.include('1 passing')
      .and.not.include('failing');
    await rm(folder, { recursive: true });
  });
});
