// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runSuites } from './lanes.mjs';

/**
 * Appends its story to one file; waits for another suite to begin, which it never does when they do not run together.
 */
const PLAYER = `
  const { appendFileSync, existsSync } = require('node:fs');
  const [folder, name, other] = process.argv.slice(1);
  const tell = (what) => appendFileSync(folder + '/story', name + ' ' + what + '\\n');
  tell('begins');
  appendFileSync(folder + '/' + name + '.began', '');
  const until = Date.now() + 30_000;
  const look = setInterval(() => {
    const met = existsSync(folder + '/' + other + '.began');
    if (!met && Date.now() < until) return;
    clearInterval(look);
    if (other !== name) tell(met ? 'met ' + other : 'is alone');
    tell('ends');
  }, 5);
`;

describe('suites side by side', () => {
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-lanes-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Says in `<name>.log` whether it met the suite it waits for, and that it has begun and ended in `story`. */
  const told = (name, { meets, ...more } = {}) => ({
    name,
    command: [process.execPath, '-e', PLAYER, folder, name, meets ?? name],
    counts: (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 }),
    ...more,
  });
  const run = async (suites, lanes) => {
    const log = console.log;
    const write = process.stdout.write;
    console.log = () => {};
    process.stdout.write = () => true;
    await rm(join(folder, 'story'), { force: true });
    try {
      await runSuites(suites, { root: folder, results: folder, lanes });
    } finally {
      console.log = log;
      process.stdout.write = write;
    }
    return (await readFile(join(folder, 'story'), 'utf8')).trim().split('\n');
  };

  it('run two at a time, and what uses another one’s products after it', async () => {
    const story = await run([told('a', { meets: 'c' }), told('b', { after: ['a'] }), told('c', { meets: 'a' })], 2);
    expect(story).to.include.members(['a met c', 'c met a']);
    expect(story.indexOf('b begins')).to.be.above(story.indexOf('a ends'));
  });

  it('never run beside each other what shares something', async () => {
    const story = await run([told('d', { shares: 'pcsc' }), told('e', { shares: 'pcsc' })], 2);
    expect(story.indexOf('e begins')).to.be.above(story.indexOf('d ends'));
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

  it('are ended, and have failed, when they take longer than they may', async () => {
    const suite = {
      name: 'endless',
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      limitMs: 1,
      counts: (ok) => ({ failed: ok ? 0 : 1 }),
    };
    const heard = [];
    const log = console.log;
    console.log = () => {};
    const options = { root: folder, results: folder, lanes: 1, told: (outcome) => heard.push(outcome) };
    const [outcome] = await runSuites([suite], options).finally(() => {
      console.log = log;
    });
    expect(outcome.counts.failed).to.equal(1);
    expect(heard).to.deep.equal([outcome]);
    expect(await readFile(outcome.log, 'utf8')).to.include('not over after 0.001 s');
  });
});
