// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { access, chmod, constants, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticationFuse } from '../../card/card-session.ts';
import { NATIVE_ISSUER_PROFILES } from '../../card/profile/native-issuer.ts';
import { PolicyError, TransportError, TsmError } from '../../errors.ts';

/** Cards block a key set after so many failures, or more; nothing tells which: the least of those that are known. */
const CARD_LIMIT = Math.min(...Object.values(NATIVE_ISSUER_PROFILES).map(({ tries }) => tries));
/** We stop so many attempts before. */
const MARGIN = 2;
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 20;
const STALE_LOCK_MS = 10_000;
/** Bytes. */
const LONGEST_COUNT = 16;
const UNWRITABLE: readonly string[] = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'ENOSPC',
  'EDQUOT',
  'ERR_FS_EISDIR',
];

const UNCOUNTED = 'Authentications cannot be counted, so none is tried';
const KEPT = 'The card took the keys, but the count cannot be taken back: this authentication stays in it as a failure';

/** Of the last name alone, and with no wait for the other end of a pipe; Windows knows neither. */
const PLAIN_FILE = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Where counters are kept: one folder for all users of a machine where that can be written, else the user's own. It has
 * no sticky bit, because every user replaces and removes counters of the others; so no file there is opened through a
 * link, and none is written that was there before.
 */
export async function fuseFolder(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  if (environment.TSM_FUSE_DIR !== undefined) return environment.TSM_FUSE_DIR;
  const shared = '/var/lib/opentsm/fuse';
  try {
    // Every user counts into the same file: a card does not ask who tried.
    if ((await mkdir(shared, { recursive: true })) !== undefined) await chmod(shared, 0o777);
    await access(shared, constants.W_OK);
    return shared;
  } catch {
    return join(stateFolder(environment), 'fuse');
  }
}

/** Where this user's notes are kept, which nobody else reads: never the folder of all users, unless he names it. */
export const noteFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment.TSM_FUSE_DIR ?? join(stateFolder(environment), 'sent');

/** What this user alone keeps from one run to the next. */
function stateFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'opentsm');
}

/**
 * Counts failed authentications of one card and key set in a file: before the attempt, so that a crash hides none,
 * and for all processes that use the folder.
 */
export class FuseFile implements AuthenticationFuse {
  readonly #file: string;
  readonly #name: string;

  /** @param name of card and key set; it becomes the file's name */
  constructor(folder: string, name: string) {
    this.#name = name;
    this.#file = join(folder, `${name.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.count`);
  }

  /** @throws PolicyError `authentication-limit` two attempts before the least limit that cards have */
  async begin(): Promise<void> {
    await this.#locked(UNCOUNTED, async () => {
      const failures = await this.count();
      if (failures >= CARD_LIMIT - MARGIN)
        throw new PolicyError(
          'authentication-limit',
          `${this.#name} refused ${failures} authentications and may block at ${CARD_LIMIT}. ` +
            `Find out why (key, version, diversification), then remove ${this.#file} to go on`,
          { failures },
        );
      await this.#write(failures + 1);
    });
  }

  /** @throws PolicyError `authentication-count` where the count cannot be taken back */
  async succeeded(): Promise<void> {
    await this.#locked(KEPT, () => rm(this.#file, { force: true }));
  }

  async count(): Promise<number> {
    try {
      const text = await plainText(this.#file);
      // A file that cannot be read counts as full: it may have been one attempt before the last.
      return text !== undefined && /^\d+$/.test(text) ? Number(text) : CARD_LIMIT;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  async #write(failures: number): Promise<void> {
    const next = `${this.#file}.${randomBytes(8).toString('hex')}.next`;
    const handle = await open(next, 'wx', 0o666);
    try {
      await handle.writeFile(`${failures}\n`);
      // The umask took the others' rights.
      await handle.chmod(0o666);
      await handle.sync();
    } finally {
      await handle.close();
    }
    try {
      await rename(next, this.#file);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
    await syncFolder(join(this.#file, '..'));
  }

  /** @throws PolicyError where the folder cannot be written, with `refusal` before the reason */
  async #locked<T>(refusal: string, act: () => Promise<T>): Promise<T> {
    try {
      return await this.#whileLocked(act);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (error instanceof TsmError || !UNWRITABLE.includes(code)) throw error;
      throw new PolicyError(
        'authentication-count',
        `${refusal} (${this.#file}: ${code}): make that folder writable, or name another with TSM_FUSE_DIR`,
      );
    }
  }

  async #whileLocked<T>(act: () => Promise<T>): Promise<T> {
    const lock = `${this.#file}.lock`;
    await mkdir(join(lock, '..'), { recursive: true });
    for (let round = 0; ; round += 1) {
      try {
        await (await open(lock, 'wx')).close();
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        await removeStale(lock);
        if (round === LOCK_TRIES)
          throw new TransportError('fuse-locked', `Another process counts for ${this.#name}: try again`);
        await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS));
      }
    }
    try {
      return await act();
    } finally {
      await rm(lock, { force: true });
    }
  }
}

/** What a counter says; undefined for what is no plain file, or longer than any counter. */
async function plainText(file: string): Promise<string | undefined> {
  const handle = await open(file, PLAIN_FILE).catch((error: NodeJS.ErrnoException) => {
    // ELOOP is a link; ENXIO a socket.
    if (error.code === 'ELOOP' || error.code === 'ENXIO') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const about = await handle.stat();
    return about.isFile() && about.size <= LONGEST_COUNT ? (await handle.readFile('utf8')).trim() : undefined;
  } finally {
    await handle.close();
  }
}

/** A lock whose process died is not held for ever, nor a folder of its name that somebody laid. */
async function removeStale(lock: string): Promise<void> {
  const held = await lstat(lock).catch(() => undefined);
  if (held !== undefined && Date.now() - held.mtimeMs > STALE_LOCK_MS)
    await rm(lock, { force: true, recursive: held.isDirectory() });
}

/** Makes the rename outlive a power cut of the host, where folders can be synchronised. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
