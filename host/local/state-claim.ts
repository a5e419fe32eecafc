// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError } from '../errors.ts';

/**
 * One `tsm up` for a state folder: a second one would take PostgreSQL for what a killed run left, and end it.
 *
 * @param folder made when absent
 * @returns gives the folder free
 * @throws ConflictError `state-in-use` while the process that claimed it runs
 */
export async function claimState(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'up.pid');
  const mine = `${process.pid} ${(await startOf(process.pid)) ?? ''}\n`;
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx', mode: 0o600 });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid = '', start = ''] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
    if (/^[1-9][0-9]*$/.test(pid) && start !== '' && (await startOf(Number(pid))) === start)
      throw new ConflictError(
        'state-in-use',
        `${folder} is in use by process ${pid}: end that tsm up first, or take another --state`,
        { pid },
      );
    await rm(file, { force: true });
  }
}

/** When a process began, in clock ticks since the machine's start: another one of its number began later. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name, which may hold anything, ends at the last bracket; the start is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
