// SPDX-License-Identifier: Apache-2.0
// Runs suites side by side. What each one printed comes when it ends, so that it reads as if it ran alone.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Prints all that the suite printed. */
function printWhole({ name, seconds, log }) {
  console.log(`\n== ${name}, ${seconds.toFixed(0)} s`);
  process.stdout.write(readFileSync(log));
}

/**
 * @param suites in the order in which they should begin; one whose `after` still runs lets the next go first. A
 *   suite's promise `ready`, or what makes one, is waited for in its lane; a suite that it fails for has failed, as has
 *   one that takes longer than its `limitMs`, and is ended
 * @param told hears each outcome when it is there
 * @returns their names, counts and seconds, in that order
 */
export async function runSuites(suites, { root, results, lanes, told = printWhole }) {
  const waiting = [...suites];
  const running = new Map();
  const done = new Map();
  const open = (name) => waiting.some((suite) => suite.name === name) || running.has(name);
  const mayBegin = ({ after = [], shares }) =>
    !after.some(open) && (shares === undefined || ![...running.values()].some(({ suite }) => suite.shares === shares));
  while (waiting.length + running.size > 0) {
    for (
      let next = waiting.findIndex(mayBegin);
      next >= 0 && running.size < lanes;
      next = waiting.findIndex(mayBegin)
    ) {
      const [suite] = waiting.splice(next, 1);
      console.log(`-- ${suite.name} begins`);
      running.set(suite.name, { suite, ended: run(suite, { root, results }) });
    }
    const outcome = await Promise.race([...running.values()].map(({ ended }) => ended));
    running.delete(outcome.name);
    done.set(outcome.name, outcome);
    told(outcome);
  }
  return suites.map(({ name }) => done.get(name));
}

/** A suite of which no test ran, and none was skipped either, has shown nothing. */
function shown(counts) {
  const { passed = 0, failed = 0, skipped = 0 } = counts;
  return passed + failed + skipped > 0 ? counts : { ...counts, failed: 1, names: ['no test ran'] };
}

/** How long a suite may take to end after it has written its result. */
const ENDS_WITHIN_MS = 30_000;

/** One suite in a process of its own. Never rejects: what cannot be started has failed. */
async function run({ name, command, counts, ready, limitMs }, { root, results }) {
  const file = join(results, `${name}.json`);
  const log = join(results, `${name}.log`);
  try {
    await (typeof ready === 'function' ? ready() : ready);
  } catch (error) {
    writeFileSync(log, `${name}: cannot begin: ${error.message}\n`);
    return { name, log, seconds: 0, counts: { failed: 1, names: [`cannot begin: ${error.message}`] } };
  }
  const output = openSync(log, 'w');
  const since = Date.now();
  const started = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', output, output],
    env: { ...process.env, OPENTSM_TEST_RESULT: file },
  });
  closeSync(output);
  return new Promise((resolve) => {
    const end = (ok) => {
      const seconds = (performance.now() - started) / 1000;
      resolve({ name, log, seconds, counts: shown(counts(ok, { root, file, since })) });
    };
    const stop = () => {
      appendFileSync(log, `\n${name}: not over after ${limitMs / 1000} s, and ended\n`);
      child.kill('SIGKILL');
    };
    // A test that fails may leave something open: then the process outlives its result, and is ended.
    const overdue = setInterval(() => {
      if (!existsSync(file) || Date.now() - statSync(file).mtimeMs < ENDS_WITHIN_MS) return;
      appendFileSync(log, `\n${name}: has its result, but does not end: something is left open\n`);
      child.kill('SIGKILL');
    }, 1_000);
    const limit = limitMs === undefined ? undefined : setTimeout(stop, limitMs);
    const over = (ok) => {
      clearInterval(overdue);
      clearTimeout(limit);
      end(ok);
    };
    child.on('error', () => over(false));
    child.on('exit', (code) => over(code === 0));
  });
}
