// SPDX-License-Identifier: Apache-2.0
import { registerHooks } from 'node:module';

/**
 * The command line of `tsm` with the issuer's list of steps taken from `cheating-key-distribution.ts`: everything else
 * of the daemon is what a user starts.
 */

const HONEST = new URL('../../workflow/key-distribution.ts', import.meta.url).href;
const CHEATING = new URL('cheating-key-distribution.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    return found.url === HONEST && context.parentURL !== CHEATING ? { ...found, url: CHEATING } : found;
  },
});
await import(new URL('../../cli/tsm.mjs', import.meta.url).href);
