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
  /** The outcomes, and nothing on the screen. */
  const outcomesOf = async (suites, more = {}) => {
    const log = console.log;
    const write = process.stdout.write;
    console.log = () => {};
    process.stdout.write = () => true;
    try {
      return await runSuites(suites, { root: folder, results: folder, lanes: 2, ...more });
    } finally {
      console.log = log;
      process.stdout.write = write;
    }
  };

  const run = async (suites, lanes) => {
    await rm(join(folder, 'story'), { force: true });
    await outcomesOf(suites, { lanes });
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
    const [outcome] = await outcomesOf([suite]);
    expect(outcome.counts.failed).to.equal(1);
  });

  it('fail when what they need cannot be made, which is made when it is their turn', async () => {
    const made = [];
    const [before, unready, ready] = await outcomesOf(
      [
        told('f', { ready: () => made.push('for f') }),
        told('g', { ready: () => Promise.reject(new Error(`no release after ${made}`)) }),
        told('h', { ready: async () => made.push('for h') }),
      ],
      { lanes: 1 },
    );
    expect([before.counts.failed, unready.counts.failed, ready.counts.failed]).to.deep.equal([0, 1, 0]);
    expect(unready.counts.names).to.deep.equal(['cannot begin: no release after for f']);
    expect(await readFile(unready.log, 'utf8')).to.include('no release after for f');
    expect(made).to.deep.equal(['for f', 'for h']);
  });

  it('fail when no test ran', async () => {
    const [none, skipped] = await outcomesOf([
      told('i', { counts: () => ({ passed: 0, failed: 0, skipped: 0 }) }),
      told('j', { counts: () => ({ passed: 0, failed: 0, skipped: 1 }) }),
    ]);
    expect(none.counts).to.deep.include({ failed: 1, names: ['no test ran'] });
    expect(skipped.counts.failed).to.equal(0);
  });

  it('are ended, and have failed, when they take longer than they may', async () => {
    const suite = {
      name: 'endless',
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      limitMs: 1,
      counts: (ok) => ({ failed: ok ? 0 : 1 }),
    };
    const heard = [];
    const [outcome] = await outcomesOf([suite], { lanes: 1, told: (one) => heard.push(one) });
    expect(outcome.counts.failed).to.equal(1);
    expect(heard).to.deep.equal([outcome]);
    expect(await readFile(outcome.log, 'utf8')).to.include('not over after 0.001 s');
  });
});
