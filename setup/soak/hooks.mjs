// SPDX-License-Identifier: Apache-2.0
// In a soak only the number of cases ends a test, and every property draws from the file's seed.
import fc from 'fast-check';

if (process.env.OPENTSM_SOAK_SEED !== undefined) fc.configureGlobal({ seed: Number(process.env.OPENTSM_SOAK_SEED) });

export const mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(0);
  },
};
