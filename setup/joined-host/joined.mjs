// SPDX-License-Identifier: Apache-2.0
/** What `host/cli/tsm.mjs` imports when it runs a command, below `host/cli`. */
export const JOINED = ['main.ts', 'card/early-readers.ts'];
