// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';

/** Files that hold key material: private to their owner, whole or absent after a power cut, never overwritten. */

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const OTHERS = 0o077;

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws UsageError when the file can be read by others */
async function requirePrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & OTHERS) === 0) return;
  throw new UsageError(
    'file-mode',
    `${file} can be read by others: chmod 600 it, and replace the keys if others had access`,
    {
      file,
    },
  );
}

/** Makes the folder, private to its owner. @throws UsageError when it is there and open to others */
export async function preparePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  await requirePrivate(folder);
}

/**
 * Writes a new file durably, with its folder when that is absent: a temporary file is synced, then takes its name in
 * one step.
 *
 * @returns false when a file of that name was there already; it is left as it is
 */
export async function createDurably(file: string, content: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE });
  const temporary = join(dirname(file), `.${randomBytes(8).toString('hex')}.tmp`);
  const handle = await open(temporary, 'wx', FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary);
    await syncFolder(dirname(file));
  }
}

/** Content of a private file, or undefined when it is absent. @throws UsageError when others can read it */
export async function readPrivate(file: string): Promise<string | undefined> {
  try {
    await requirePrivate(file);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is older was left by a process that ended; a younger file may be another node's that is just writing it. */
const LEFTOVER_MS = 60_000;

/** Removes what an interrupted `createDurably` left. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.') || !name.endsWith('.tmp')) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (mtimeMs < Date.now() - LEFTOVER_MS) await unlink(join(folder, name));
  }
}
