// SPDX-License-Identifier: Apache-2.0
// In a soak only the number of cases ends a test, and nothing ends what is made ready for it.

const HOOKS = ['_beforeAll', '_beforeEach', '_afterEach', '_afterAll'];

/** Mocha has no public way to a suite's hooks; `hooks.test.mjs` fails when this one is gone. */
function endless(suite) {
  for (const one of [...HOOKS.flatMap((name) => suite[name]), ...suite.tests]) one.timeout(0);
  for (const inner of suite.suites) endless(inner);
}

export const mochaHooks = {
  beforeAll() {
    endless(this.test.parent);
  },
};
