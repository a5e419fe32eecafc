// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import pg from 'pg';
import { InvariantError, TransportError } from '../errors.ts';
import { databaseError, isTooManyConnections, readOnlyError } from './database-errors.ts';
import { PipelinedDriver, READ_ONLY_STATE, requireWritable } from './pipelined-driver.ts';

/** One step of a schema. Numbers rise by one; what was released is never changed. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export interface DatabaseOptions {
  readonly url: string;
  /** None for a role that does not own the schema. */
  readonly migrations: readonly Migration[];
  /** Largest number of connections of this process. */
  readonly connections?: number;
  readonly onError?: (error: Error) => void;
  /** A pool of which no statement has ended for so long is not taken to be at work; default 10,000. */
  readonly stillMs?: number;
  /** Gets the pool, whose counts it may read at any time. */
  readonly observe?: (pool: PoolCounts) => void;
}

export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** Any number that no other part uses for its advisory lock. */
const MIGRATION_LOCK = 0x6f74_736e;
const CONNECT_MS = 10_000;
const STATEMENT_MS = 30_000;
/** The client's own: a server that stands still, or is not reached any more, ends no statement. */
const ANSWER_MS = STATEMENT_MS + 15_000;
const IDLE_IN_TRANSACTION_MS = 60_000;
/** A connection that is silent for so long is asked whether it is still there; the system's own time is two hours. */
const KEEP_ALIVE_MS = 10_000;
/** Less than whoever watches a daemon waits for `/health/ready`. */
const CHECK_MS = 2_000;
/** Of a pool that has all its connections at work one statement ends in this time, or it hangs. */
const STILL_MS = 10_000;
/** What PostgreSQL keeps of a name. */
const MAX_NAME_BYTES = 63;
const ANSWERED = 'answered';

/** Opens a database and brings its schema up to date. @throws TransportError when it cannot be reached */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Kysely<Tables>> {
  const max = options.connections ?? 8;
  const pool = new pg.Pool({ ...connectionOptions(options.url), max, pipeline: true });
  const onError = (error: Error) => options.onError?.(error);
  pool.on('error', onError);
  // A pool listens to its idle clients only: a connection that is cut while it is in use would end the process.
  pool.on('connect', (client) => client.on('error', onError));
  options.observe?.(pool);
  let endedAt = performance.now();
  const onEnded = () => {
    endedAt = performance.now();
  };
  const database = new Kysely<Tables>({
    dialect: {
      createDriver: () => new PipelinedDriver(pool, onEnded),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
  });
  const isFull = () => pool.idleCount === 0 && pool.totalCount >= max;
  const { stillMs = STILL_MS } = options;
  ways.set(database, { url: options.url, isFull, moves: () => performance.now() - endedAt < stillMs });
  try {
    await migrate(database, options.migrations);
  } catch (error) {
    await database.destroy();
    throw databaseError(error);
  }
  return database;
}

/**
 * Limits of every connection: to connect, for a statement, for its answer, and for a transaction in which nothing
 * happens. The address may name others (`?statement_timeout=5000&query_timeout=8000`).
 *
 * @param part of the process whose connection it is, by which the server knows it (`application_name`), behind the name
 *     that the address gives; absent: that name alone
 */
export function connectionOptions(url: string, part?: string): pg.ClientConfig {
  return {
    // What stands in the address goes ahead of what stands beside it.
    connectionString: part === undefined ? url : namedUrl(url, part),
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

function namedUrl(url: string, part: string): string {
  const named = new URL(url);
  const given = named.searchParams.get('application_name');
  const room = MAX_NAME_BYTES - part.length - 1;
  // The server would escape or replace other letters by itself, and cut the part off behind them.
  const printable = given?.replaceAll(/[^\x20-\x7e]/gu, '?').slice(0, room);
  named.searchParams.set('application_name', printable === undefined ? part : `${printable} ${part}`);
  return named.href;
}

/** `host:port` of a database address, for messages: never its password. */
export const databasePlace = (url: string): string => new URL(url).host;

async function migrate<Tables>(database: Kysely<Tables>, migrations: readonly Migration[]): Promise<void> {
  for (const [index, { number, name }] of migrations.entries()) {
    if (number !== index + 1) throw new InvariantError('migration-number', `Migration ${name} is out of order`);
  }
  // A role that owns nothing finds the schema as the owner has made it.
  if (migrations.length === 0) return void (await sql`SELECT 1`.execute(database));
  await database.transaction().execute(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(transaction);
    await sql`CREATE TABLE IF NOT EXISTS schema_migrations
      (number integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())`.execute(transaction);
    const done = await sql<{ number: number }>`SELECT number FROM schema_migrations`.execute(transaction);
    const known = new Set(done.rows.map((row) => row.number));
    for (const migration of migrations.filter(({ number }) => !known.has(number))) {
      await sql.raw(migration.sql).execute(transaction);
      await sql`INSERT INTO schema_migrations (number, name) VALUES (${migration.number}, ${migration.name})`.execute(
        transaction,
      );
    }
  });
}

/** Where a database is, and how its pool is: all connections at work, and statements of them ending. */
const ways = new WeakMap<
  object,
  { readonly url: string; readonly isFull: () => boolean; readonly moves: () => boolean }
>();

/** A check that is under way, by its database: who asks meanwhile hears what comes of it. */
const checks = new WeakMap<object, Promise<void>>();

/**
 * Fails while the database does not answer, or takes no writes. A pool whose connections are all at work is asked for
 * none, as long as its statements end: the database is asked beside it. One in which nothing ends is asked itself: it
 * may have connections that the network has forgotten.
 *
 * @param limitMs how long to wait for the answer
 * @throws TransportError `database`; its context says `no-answer`, `25006` (read only) or PostgreSQL's own code
 */
export async function checkDatabase<Tables>(database: Kysely<Tables>, limitMs = CHECK_MS): Promise<void> {
  const check = checks.get(database) ?? askDatabase(database).finally(() => checks.delete(database));
  checks.set(database, check);
  const over = new AbortController();
  try {
    await Promise.race([check, silent(limitMs, over.signal)]);
  } catch (error) {
    throw databaseError(error);
  } finally {
    over.abort(ANSWERED);
  }
}

async function askDatabase<Tables>(database: Kysely<Tables>): Promise<void> {
  const way = ways.get(database);
  try {
    await (way?.isFull() === true && way.moves() ? askBeside(way.url) : requireWritable(database));
  } catch (error) {
    // It lives, and the connections that this pool has are of use.
    if (!(isTooManyConnections(error) && way?.moves() === true)) throw error;
  }
}

async function askBeside(url: string): Promise<void> {
  const client = new pg.Client(connectionOptions(url, 'opentsm ready'));
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ state: string }>(READ_ONLY_STATE);
    if (rows[0]?.state !== 'off') throw readOnlyError();
  } finally {
    void client.end().catch(() => {});
  }
}

async function silent(limitMs: number, over: AbortSignal): Promise<void> {
  await delay(limitMs, undefined, { signal: over }).catch(() => {});
  if (over.aborted) return;
  throw new TransportError('database', 'The database does not answer', { sqlState: 'no-answer' });
}
