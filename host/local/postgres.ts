// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { TransportError, TsmError, UsageError } from '../errors.ts';
import { freePort } from './free-port.ts';
import { dataFolder, exists, findBinaries, keptSecret, PASSWORD_FILE, serverRuns } from './postgres-files.ts';
import { copyTemplate, keepTemplate, templateFor } from './postgres-template.ts';

export { removePostgres } from './postgres-files.ts';

/**
 * A real PostgreSQL, from an npm package or named by an address. Each daemon gets a database and a
 * role of its own; no role reaches another's database.
 */
export interface PostgresServer extends AsyncDisposable {
  /** Address of the administrator, with password: for this process only. */
  readonly adminUrl: string;
  /** Makes database and role when absent and returns the role's address. Name: lower case, digits, underscore. */
  createDatabase(name: string): Promise<string>;
  /** Makes a role that may connect to this database, and owns nothing, when absent; returns its address. */
  createRole(database: string, role: string): Promise<string>;
  /** Drops database and role. */
  dropDatabase(name: string): Promise<void>;
  /** Stops what was started here; a server that was only named goes on. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Where data, log and password are kept (0700). */
  readonly folder: string;
  /** False skips fsync: a kill loses nothing, a power failure of the machine may. Default true. */
  readonly durable?: boolean;
  /** Folder of another PostgreSQL, with `bin/initdb` and `bin/postgres`; default the npm package's. */
  readonly binaries?: string;
}

/** `DATABASE_URL` when set, else the embedded server in `options.folder`. */
export async function openPostgres(options: EmbeddedOptions): Promise<PostgresServer> {
  const url = process.env.DATABASE_URL;
  if (url !== undefined && url !== '') return namedServer(url, join(options.folder, 'roles'));
  return startEmbeddedPostgres(options);
}

/** Unprivileged uid of PostgreSQL where we are root, which it refuses to be. */
const NOBODY = 65_534;
const START_MS = 30_000;
const NAME = /^[a-z][a-z0-9_]{0,40}$/;

/**
 * Starts the embedded server on a free port of 127.0.0.1. It ends with this process, also when
 * that is killed: a shell between the two waits for the end of a pipe.
 *
 * @throws UsageError `no-postgres` where the package has no binaries for this machine
 * @throws TransportError `postgres-start` with the end of its log
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<PostgresServer> {
  const folder = resolve(options.folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const owner = process.getuid?.() === 0 ? NOBODY : undefined;
  const binaries = options.binaries ?? (await findBinaries(owner));
  const password = await keptSecret(join(folder, PASSWORD_FILE));
  const data = await dataFolder(folder, password, owner);
  await stopLeftOver(data);
  if (!(await exists(join(data, 'PG_VERSION')))) {
    // One made by other programs does not fit.
    const template = options.binaries === undefined ? templateFor(options.durable ?? true) : undefined;
    if (template !== undefined && (await copyTemplate(template, data))) {
      await setPassword(binaries, data, password, owner);
    } else {
      await initialise(binaries, data, password, owner);
      if (template !== undefined) await keepTemplate(data, template);
    }
  }
  const launchOptions = { binaries, data, owner, durable: options.durable ?? true, log: join(folder, 'postgres.log') };
  const { child, port } = await startOnFreePort(launchOptions);
  const keeper = new Keeper(launchOptions, port, child);
  const adminUrl = `postgresql://opentsm:${password}@127.0.0.1:${port}/postgres`;
  const server = await namedServer(adminUrl, join(folder, 'roles'));
  return { ...server, stop: () => keeper.stop(), [Symbol.asyncDispose]: () => keeper.stop() };
}

/** Starts the server again, at the same port, when it dies by itself. */
class Keeper {
  readonly #options: StartOptions;
  readonly #port: number;
  #child: ChildProcess;
  #again: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: StartOptions, port: number, child: ChildProcess) {
    this.#options = options;
    this.#port = port;
    this.#child = child;
    this.#watch(child);
  }

  stop(): Promise<void> {
    this.#stopping ??= Promise.resolve(this.#again).then(() => stopChild(this.#child));
    return this.#stopping;
  }

  #watch(child: ChildProcess): void {
    this.#child = child;
    child.once('close', () => {
      if (this.#stopping === undefined) this.#again = this.#relaunch();
    });
  }

  async #relaunch(): Promise<void> {
    for (let pauseMs = 100; this.#stopping === undefined; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      await delay(pauseMs, undefined, { ref: false });
      try {
        await stopLeftOver(this.#options.data);
        this.#watch(await launch(this.#options, this.#port));
        return;
      } catch (error) {
        // Its own processes may still be ending; what stays wrong is in its log.
        if (!(error instanceof TransportError)) throw error;
      }
    }
  }
}

/** A server that is there already. Passwords of the roles are kept in `rolesFolder` (0600). */
async function namedServer(adminUrl: string, rolesFolder: string): Promise<PostgresServer> {
  const withAdmin = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: adminUrl });
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      if (error instanceof TsmError) throw error;
      throw new TransportError('database', `PostgreSQL refused: ${(error as Error).message}`, {}, error);
    } finally {
      await client.end().catch(() => {});
    }
  };
  return {
    adminUrl,
    createDatabase: async (name) => {
      const password = await keptSecret(join(rolesFolder, checkedName(name)));
      await withAdmin((client) => makeDatabase(client, name, password));
      const url = new URL(adminUrl);
      url.username = name;
      url.password = password;
      url.pathname = `/${name}`;
      return url.href;
    },
    createRole: async (database, role) => {
      checkedName(database);
      const password = await keptSecret(join(rolesFolder, checkedName(role)));
      await withAdmin(async (client) => {
        await makeRole(client, role, password);
        await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`);
      });
      const url = new URL(adminUrl);
      url.username = role;
      url.password = password;
      url.pathname = `/${database}`;
      return url.href;
    },
    dropDatabase: async (name) => {
      checkedName(name);
      await withAdmin(async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await client.query(`DROP ROLE IF EXISTS ${name}`);
      });
      await rm(join(rolesFolder, name), { force: true });
    },
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Names go into SQL text, where parameters are not possible. */
function checkedName(name: string): string {
  if (!NAME.test(name))
    throw new UsageError('database-name', `"${name}" is no database name: lower case letters, digits and _ only`, {
      name,
    });
  return name;
}

async function makeRole(client: pg.Client, name: string, password: string): Promise<void> {
  const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  const verb = role.rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(`${verb} ROLE ${name} LOGIN PASSWORD '${password}' NOSUPERUSER NOCREATEDB NOCREATEROLE`);
}

async function makeDatabase(client: pg.Client, name: string, password: string): Promise<void> {
  await makeRole(client, name, password);
  const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (database.rowCount !== 0) return;
  // The role must be settable by an administrator that is no superuser before it can own anything.
  await client.query(`GRANT ${name} TO CURRENT_USER`);
  await client.query(`CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  await client.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
}

async function initialise(binaries: string, data: string, password: string, owner: number | undefined): Promise<void> {
  // The password goes in through a pipe, so no file of it lies where another uid owns the folder.
  const arguments_ = [
    '-D',
    data,
    '-U',
    'opentsm',
    '-A',
    'scram-sha-256',
    '--pwfile=/dev/stdin',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ];
  // Node's own pipe is a socket, which /dev/stdin cannot open again: cat makes a real pipe of it.
  const command = ['-c', 'cat | "$@"', 'sh', join(binaries, 'bin/initdb'), ...arguments_];
  await runWith(`${password}\n`, command, owner);
}

/** Of the administrator, in a cluster that was copied and has no server yet. */
async function setPassword(binaries: string, data: string, password: string, owner: number | undefined): Promise<void> {
  const settings = ['-c', 'dynamic_shared_memory_type=mmap'];
  const command = ['-c', 'exec "$@"', 'sh', join(binaries, 'bin/postgres'), '--single', '-F', '-D', data, ...settings];
  await runWith(`ALTER ROLE opentsm PASSWORD '${password}'\n`, [...command, 'postgres'], owner);
}

/** Runs a program of PostgreSQL through the shell with this input. @throws TransportError with the end of its output */
async function runWith(input: string, command: readonly string[], owner: number | undefined): Promise<void> {
  const child = spawn('/bin/sh', command, { ...asOwner(owner), stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => output.push(part));
  child.stderr?.on('data', (part: Buffer) => output.push(part));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  const said = Buffer.concat(output).toString();
  if (code !== 0 || said.includes('ERROR:'))
    throw new TransportError('postgres-start', `The cluster could not be made: ${said.slice(-800)}`, {
      code: code ?? -1,
    });
}

interface StartOptions {
  readonly binaries: string;
  readonly data: string;
  readonly owner: number | undefined;
  readonly durable: boolean;
  readonly log: string;
}

async function startOnFreePort(options: StartOptions): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { child: await launch(options, port), port };
    } catch (error) {
      // Somebody may have taken the port in between.
      if (attempt === 3) throw error;
    }
  }
}

/** Starts postgres beside a reader of our pipe: when the pipe ends, for whatever reason, so does postgres. */
const SUPERVISE =
  'exec 3<&0; "$@" </dev/null & server=$!; (cat <&3 >/dev/null; kill -INT $server) >/dev/null 2>&1 & ' +
  'exec 3<&-; wait $server';

async function launch(options: StartOptions, port: number): Promise<ChildProcess> {
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'max_connections=300',
    'shared_buffers=32MB',
    'dynamic_shared_memory_type=mmap',
    `fsync=${options.durable ? 'on' : 'off'}`,
    'wal_level=minimal',
    'max_wal_senders=0',
    'jit=off',
    'log_min_messages=warning',
    // Statements carry data; the log must not.
    'log_min_error_statement=panic',
    'log_parameter_max_length_on_error=0',
  ];
  // After a kill the old file is still there, and says that the dead server is ready.
  const previous = (await statusLines(options.data))[0];
  const command = [
    join(options.binaries, 'bin/postgres'),
    '-D',
    options.data,
    ...settings.flatMap((setting) => ['-c', setting]),
  ];
  const child = spawn('/bin/sh', ['-c', SUPERVISE, 'sh', ...command], {
    ...asOwner(options.owner),
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let log = '';
  child.stderr?.on('data', (part: Buffer) => {
    log = (log + part.toString()).slice(-4_000);
    void writeFile(options.log, log, { mode: 0o600 }).catch(() => {});
  });
  child.stdin?.on('error', () => {});
  let ended = false;
  child.once('close', () => {
    ended = true;
    child.stdin?.destroy();
  });
  const deadline = performance.now() + START_MS;
  while (!(await accepting(port, options.data, previous))) {
    if (ended || performance.now() > deadline) {
      child.stdin?.destroy();
      throw new TransportError('postgres-start', `PostgreSQL did not start: ${log.slice(-800)}`, { port });
    }
    await delay(20);
  }
  // It must not keep a process alive that has nothing else to do.
  child.unref();
  (child.stdin as unknown as { unref?: () => void })?.unref?.();
  (child.stderr as unknown as { unref?: () => void })?.unref?.();
  return child;
}

/** Line 1 of postmaster.pid is the process, line 4 the port, line 8 says `ready`. */
async function accepting(port: number, data: string, previous: string | undefined): Promise<boolean> {
  const lines = await statusLines(data);
  return lines[0] !== previous && lines[3] === String(port) && (lines[7] ?? '').trim() === 'ready';
}

/** Lines of postmaster.pid; one empty line when there is no such file. */
async function statusLines(data: string): Promise<string[]> {
  return (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
}

/** A server of an earlier run that still holds the folder, because its supervisor was killed too. */
async function stopLeftOver(data: string): Promise<void> {
  const pid = Number((await statusLines(data))[0]);
  for (let waited = 0; waited < 10_000 && (await serverRuns(data)); waited += 50) {
    process.kill(pid, 'SIGINT');
    await delay(50);
  }
  if (await serverRuns(data))
    throw new TransportError('postgres-start', `a PostgreSQL of an earlier run (process ${pid}) holds ${data}`, {
      pid,
    });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.ref();
  child.stdin?.destroy();
  await closed;
}

function asOwner(owner: number | undefined): { uid?: number; gid?: number; cwd: string; env: Record<string, string> } {
  return {
    ...(owner === undefined ? {} : { uid: owner, gid: owner }),
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  };
}
