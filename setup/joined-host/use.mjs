// SPDX-License-Identifier: Apache-2.0
// Loaded before all else by the processes of `npm test` (`node --import`): this checkout's command `tsm` takes what
// `join.mjs` made in the folder OPENTSM_JOINED_HOST. Every other process goes on as it would.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JOINED } from './joined.mjs';

const cli = join(import.meta.dirname, '../../host/cli');
const folder = process.env.OPENTSM_JOINED_HOST;
if (folder !== undefined && process.argv[1] === join(cli, 'tsm.mjs')) {
  const urlOf = (base, name) => pathToFileURL(join(base, name)).href;
  const joined = new Map(JOINED.map((name) => [urlOf(cli, name), urlOf(folder, name.replace(/\.ts$/, '.mjs'))]));
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      const url = joined.get(resolved.url);
      return url === undefined ? resolved : { ...resolved, url, format: 'module' };
    },
  });
}
