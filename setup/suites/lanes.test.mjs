// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runSuites } from './lanes.mjs';

describe('suites side by side', () => {
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-lanes-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A suite that says when it begins and ends, in milliseconds of one clock. */
  const timed = (name, ms, more = {}) => ({
    name,
    command: [process.execPath, '-e', `const t=()=>Date.now();const s=t();setTimeout(()=>console.log(s,t()),${ms})`],
    counts: (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 }),
    ...more,
  });
  const spans = async (suites, lanes) => {
    const log = console.log;
    const write = process.stdout.write;
    console.log = () => {};
    process.stdout.write = () => true;
    try {
      await runSuites(suites, { root: folder, results: folder, lanes });
    } finally {
      console.log = log;
      process.stdout.write = write;
    }
    const texts = await Promise.all(suites.map(({ name }) => readFile(join(folder, `${name}.log`), 'utf8')));
    return texts.map((text) => text.trim().split(' ').map(Number));
  };

  it('run two at a time, and what uses another one’s products after it', async () => {
    const [a, b, c] = await spans([timed('a', 300), timed('b', 300, { after: ['a'] }), timed('c', 300)], 2);
    expect(b[0]).to.be.at.least(a[1]);
    expect(Math.max(a[0], c[0])).to.be.below(Math.min(a[1], c[1]));
  });

  it('never run beside each other what shares something', async () => {
    const [a, b] = await spans([timed('a', 100, { shares: 'pcsc' }), timed('b', 100, { shares: 'pcsc' })], 2);
    expect(b[0]).to.be.at.least(a[1]);
  });

  it('fail when they cannot be started', async () => {
    const suite = {
      name: 'none',
      command: [join(folder, 'no-such-program')],
      counts: (ok) => ({ failed: ok ? 0 : 1 }),
    };
    const log = console.log;
    console.log = () => {};
    const [outcome] = await runSuites([suite], { root: folder, results: folder, lanes: 2 }).finally(() => {
      console.log = log;
    });
    expect(outcome.counts.failed).to.equal(1);
  });
});
