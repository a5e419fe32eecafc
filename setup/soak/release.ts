// SPDX-License-Identifier: Apache-2.0
// The release before this one, built, for the soak that upgrades from it.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const { commit }: { readonly commit: string } = JSON.parse(
  readFileSync(join(root, 'host/test/store/released-migrations.json'), 'utf8'),
);
const run = promisify(execFile);

/** Its checkout, there once `makeRelease` has made it. */
export const RELEASE = join(root, 'build', 'releases', commit);

/**
 * A checkout of the commit, built, with the packages of this one: made by the first soak that needs it, whole or not at
 * all. Maven may fetch plugins for it.
 */
export async function makeRelease(): Promise<void> {
  if (existsSync(RELEASE)) return;
  const making = `${RELEASE}.making`;
  await rm(making, { recursive: true, force: true });
  await run('git', ['clone', '--quiet', root, making]);
  await run('git', ['-C', making, 'checkout', '--quiet', commit]);
  await cp(join(root, 'node_modules'), join(making, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  await run('mvn', ['-q', '-B', '-DskipTests', 'package'], { cwd: making, maxBuffer: 1 << 24 });
  await rename(making, RELEASE);
}
