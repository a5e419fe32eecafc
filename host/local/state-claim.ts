// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError } from '../errors.ts';

/**
 * One `tsm up` for a state folder: a second one would take PostgreSQL for what a killed run left, and end it. Claims
 * are numbered and the last one stays, so that two who find the same dead one want the same next number.
 *
 * @param folder made when absent
 * @returns gives the folder free
 * @throws ConflictError `state-in-use` while the process that claimed it runs
 */
export async function claimState(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written = join(folder, `up-${randomUUID()}.tmp`);
  try {
    await writeFile(written, `${process.pid} ${(await startOf(process.pid)) ?? ''}\n`, { mode: 0o600 });
    for (;;) {
      const numbers = await claimsIn(folder);
      const last = numbers.at(-1) ?? 0;
      const [pid = '', start = ''] = (await readIfThere(join(folder, nameOf(last)))).trim().split(' ');
      if (await runs(pid, start))
        throw new ConflictError(
          'state-in-use',
          `${folder} is in use by process ${pid}: end that tsm up first, or take another --state`,
          { pid },
        );
      const claim = join(folder, nameOf(last + 1));
      // Written before it has its name: who reads it reads all of it.
      if (!(await linked(written, claim))) continue;
      await Promise.all(numbers.map((number) => rm(join(folder, nameOf(number)), { force: true })));
      return () => truncate(claim).catch(() => {});
    }
  } finally {
    await rm(written, { force: true });
  }
}

const nameOf = (number: number) => `up-${number}.pid`;

/** In ascending order. */
async function claimsIn(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).map((name) => Number(/^up-([0-9]{1,15})\.pid$/.exec(name)?.[1] ?? 0));
  return numbers.filter((number) => number > 0).toSorted((a, b) => a - b);
}

const readIfThere = (file: string) => readFile(file, 'utf8').catch(() => '');

/** @returns false where the name is taken */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that wrote this; without a start (no /proc) whichever has its number. */
async function runs(pid: string, start: string): Promise<boolean> {
  if (!/^[1-9][0-9]{0,9}$/.test(pid)) return false;
  if (start !== '') return (await startOf(Number(pid))) === start;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in clock ticks since the machine's start: another one of its number began later. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name, which may hold anything, ends at the last bracket; the start is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
