// SPDX-License-Identifier: Apache-2.0
// In a soak only the number of cases ends a test.

export const mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(0);
  },
};
