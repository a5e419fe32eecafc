// SPDX-License-Identifier: Apache-2.0
// Joins packages for `host/cli/joined-packages.ts`: one file for each that is imported, and the parts they share.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { joinedFolder, joinedName, SPECIFIERS } from '../host/cli/joined-packages.ts';

const folder = fileURLToPath(joinedFolder()).replace(/\/$/, '');
const made = `${folder}.${process.pid}`;
await build({
  absWorkingDir: join(import.meta.dirname, '../host'),
  entryPoints: Object.fromEntries(SPECIFIERS.map((name) => [joinedName(name), name])),
  bundle: true,
  // What two of them share is there once, as in the packages.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  outdir: made,
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
});
rmSync(folder, { recursive: true, force: true });
renameSync(made, folder);
