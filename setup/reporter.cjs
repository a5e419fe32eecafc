// SPDX-License-Identifier: Apache-2.0
// Mocha's spec reporter, plus counts, failures and seconds per file as JSON for the closing lines of `npm test`.
const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');
const Mocha = require('mocha');

/** When a process that still lives after its last test says what holds it. */
const TELLS_AFTER_MS = 5_000;

/** What keeps the event loop alive, a line each: child processes with their command, sockets with their ends. */
function leftOpen() {
  // Undocumented, but the documented list has no more than the kinds.
  const handles = process._getActiveHandles().map((handle) => {
    const kind = handle.constructor.name;
    if (handle.spawnargs !== undefined) return `${kind} ${handle.pid}: ${handle.spawnargs.join(' ')}`;
    if (handle.localPort === undefined && handle.remotePort === undefined) return kind;
    return `${kind} ${handle.localAddress}:${handle.localPort} - ${handle.remoteAddress}:${handle.remotePort}`;
  });
  return [...handles, `all: ${process.getActiveResourcesInfo().join(', ')}`];
}

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    // Wall time of a file's suites, so that labs made in hooks count too, as `test.duration` does not.
    this.seconds = {};
    let since = performance.now();
    this.failed = [];
    this.tests = [];
    const keep = (state) => (test) =>
      this.tests.push({ file: relative(process.cwd(), test.file ?? ''), title: test.fullTitle(), state });
    for (const [event, state] of [
      ['pass', 'passed'],
      ['fail', 'failed'],
      ['pending', 'skipped'],
    ])
      runner.on(event, keep(state));
    runner.on('fail', (test, error) => this.failed.push(`${test.fullTitle()}: ${error?.message ?? error}`));
    runner.on('suite end', (suite) => {
      if (!suite.parent?.root || suite.file === undefined) return;
      const file = relative(process.cwd(), suite.file);
      this.seconds[file] = (this.seconds[file] ?? 0) + (performance.now() - since) / 1000;
      since = performance.now();
    });
  }

  done(failures, next) {
    const { passes, pending } = this.stats;
    if (process.env.OPENTSM_TEST_RESULT) {
      const result = { passes, failures, pending, seconds: this.seconds, names: this.failed, tests: this.tests };
      writeFileSync(process.env.OPENTSM_TEST_RESULT, JSON.stringify(result));
    }
    setTimeout(() => {
      for (const line of leftOpen()) console.error(`left open: ${line.slice(0, 300)}`);
    }, TELLS_AFTER_MS).unref();
    next(failures);
  }
}
module.exports = CountingReporter;
