// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { UsageError } from '../errors.ts';
import { dataFolder, exists, PASSWORD_FILE, serverRuns } from './postgres-files.ts';

/**
 * The state folder of `tsm up` with the files of its PostgreSQL, the KMSs' keys and all configs, copied while nothing
 * runs: databases and KMSs of one moment. Every file is hashed; the list of them is written last.
 */

const MANIFEST = 'manifest.json';
const STATE = 'state';
const DATA = 'data';
/** The embedded server's account where we are root. */
const NOBODY = 65_534;
const VERSION = 1;

const Entry = Type.Object(
  {
    /** With `/`, relative to the backup; folders end with `/`. */
    path: Type.String({ maxLength: 4_096 }),
    mode: Type.Integer({ minimum: 0, maximum: 0o777 }),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  { additionalProperties: false },
);
type Entry = Static<typeof Entry>;
const Manifest = Type.Object(
  { version: Type.Literal(VERSION), createdAt: Type.String(), entries: Type.Array(Entry) },
  { additionalProperties: false },
);
export type Manifest = Static<typeof Manifest>;
const isManifest = (value: unknown): value is Manifest => Check(Manifest, value);

/**
 * Copies the state to a new folder.
 *
 * @returns number of files
 * @throws UsageError `backup-state` when there is none, `backup-running` while it is in use, `backup-target` when the
 *   folder is there
 */
export async function createBackup(stateDir: string, target: string): Promise<number> {
  const state = resolve(stateDir);
  const data = await stoppedData(state);
  if (await exists(target)) throw new UsageError('backup-target', `${target} is there already: name a new folder`);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const skip = new Set([join(state, 'postgres', 'data')]);
  const entries = [
    ...(await copyTree(state, target, STATE, skip)),
    ...(await copyTree(data, target, DATA, new Set([join(data, 'postmaster.pid')]))),
  ];
  const manifest: Manifest = { version: VERSION, createdAt: new Date().toISOString(), entries };
  await writeFile(join(target, MANIFEST), JSON.stringify(manifest), { mode: 0o600, flag: 'wx' });
  return entries.filter(({ sha256 }) => sha256 !== undefined).length;
}

/** @throws UsageError `backup-broken`, naming the first file that is missing or another */
export async function verifyBackup(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  for (const { path, sha256 } of manifest.entries) {
    if (sha256 === undefined) continue;
    const found = await hashOf(join(folder, path)).catch(() => undefined);
    if (found !== sha256)
      throw new UsageError('backup-broken', `${join(folder, path)} is missing or was changed`, { path });
  }
  return manifest;
}

/**
 * Puts a backup into a state folder that is not there.
 *
 * @throws UsageError `backup-broken` before anything is written; `backup-target` when the state is there
 */
export async function restoreBackup(folder: string, stateDir: string): Promise<number> {
  const state = resolve(stateDir);
  if (await exists(state)) throw new UsageError('backup-target', `${state} is there: move it away first`);
  const { entries } = await verifyBackup(folder);
  await mkdir(state, { recursive: true, mode: 0o700 });
  try {
    const own = entries.filter(({ path }) => path.startsWith(`${STATE}/`));
    await putEntries(folder, own, (path) => join(state, path.slice(STATE.length)));
    const owner = process.getuid?.() === 0 ? NOBODY : undefined;
    const password = (await readFile(join(state, 'postgres', PASSWORD_FILE), 'utf8')).trim();
    const data = await dataFolder(join(state, 'postgres'), password, owner);
    const files = entries.filter(({ path }) => path.startsWith(`${DATA}/`));
    await putEntries(folder, files, (path) => join(data, path.slice(DATA.length)), owner);
  } catch (error) {
    await rm(state, { recursive: true, force: true });
    throw error;
  }
  return entries.filter(({ sha256 }) => sha256 !== undefined).length;
}

/** The data folder of a state in which nothing runs. */
async function stoppedData(state: string): Promise<string> {
  const folder = join(state, 'postgres');
  const password = await readFile(join(folder, PASSWORD_FILE), 'utf8').catch(() => undefined);
  if (password === undefined)
    throw new UsageError('backup-state', `${state} has no database of its own: use pg_dump (docs/operations.md)`);
  const data = await dataFolder(folder, password.trim(), process.getuid?.() === 0 ? NOBODY : undefined);
  if (await serverRuns(data)) throw new UsageError('backup-running', `${state} is in use: end tsm up first`);
  return data;
}

async function readManifest(folder: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
  } catch (error) {
    throw new UsageError('backup-broken', `${folder} is no whole backup: it has no readable ${MANIFEST}`, {}, error);
  }
  if (isManifest(value) && value.entries.every(({ path }) => isInside(path))) return value;
  throw new UsageError('backup-broken', `${join(folder, MANIFEST)} is not a backup's`);
}

/** Nothing of a manifest leads out of the folder. */
const isInside = (path: string): boolean =>
  (path.startsWith(`${STATE}/`) || path.startsWith(`${DATA}/`)) && !path.split('/').includes('..');

async function copyTree(from: string, target: string, name: string, skip: ReadonlySet<string>): Promise<Entry[]> {
  const entries: Entry[] = [];
  const left = [''];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    const source = join(from, at);
    if (skip.has(source)) continue;
    const info = await lstat(source);
    const mode = info.mode & 0o777;
    const path = [name, ...at.split('/').filter((part) => part !== '')].join('/');
    if (info.isDirectory()) {
      entries.push({ path: `${path}/`, mode });
      await mkdir(join(target, path), { recursive: true, mode: 0o700 });
      for (const child of await readdir(source)) left.push(at === '' ? child : `${at}/${child}`);
    } else if (info.isFile()) {
      entries.push({ path, mode, sha256: await copyHashed(source, join(target, path)) });
    } else if (info.isSymbolicLink()) {
      throw new UsageError('backup-link', `${source} is a link: what it leads to would not be in the backup`);
    }
  }
  return entries;
}

async function putEntries(
  folder: string,
  entries: readonly Entry[],
  place: (path: string) => string,
  owner?: number,
): Promise<void> {
  for (const { path, mode, sha256 } of entries) {
    const to = place(path);
    if (sha256 === undefined) await mkdir(to, { recursive: true, mode });
    else {
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      if ((await copyHashed(join(folder, path), to)) !== sha256)
        throw new UsageError('backup-broken', `${join(folder, path)} changed while it was read`, { path });
    }
    await chmod(to, mode);
    if (owner !== undefined) await chown(to, owner, owner);
  }
}

async function copyHashed(from: string, to: string): Promise<string> {
  const hash = createHash('sha256');
  const tap = async function* (source: AsyncIterable<Buffer>) {
    for await (const part of source) {
      hash.update(part);
      yield part;
    }
  };
  await pipeline(createReadStream(from), tap, createWriteStream(to, { mode: 0o600, flags: 'wx' }));
  return hash.digest('hex');
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
