// SPDX-License-Identifier: Apache-2.0
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import pg from 'pg';
import { InvariantError, TransportError, TsmError } from '../errors.ts';
import { isStalePlan, PipelinedDriver } from './pipelined-driver.ts';

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
const IDLE_IN_TRANSACTION_MS = 60_000;

/** Opens a database and brings its schema up to date. @throws TransportError when it cannot be reached */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Kysely<Tables>> {
  const pool = new pg.Pool({ ...connectionOptions(options.url), max: options.connections ?? 8, pipeline: true });
  const onError = (error: Error) => options.onError?.(error);
  pool.on('error', onError);
  // A pool listens to its idle clients only: a connection that is cut while it is in use would end the process.
  pool.on('connect', (client) => client.on('error', onError));
  options.observe?.(pool);
  const database = new Kysely<Tables>({
    dialect: {
      createDriver: () => new PipelinedDriver(pool),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
  });
  try {
    await migrate(database, options.migrations);
  } catch (error) {
    await database.destroy();
    throw databaseError(error);
  }
  return database;
}

/** Limits of every connection: to connect, for a statement, and for a transaction in which nothing happens. */
export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
  };
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

/** True when the connection failed or was ended, as opposed to a statement that is wrong. */
export function isConnectionError(error: unknown): boolean {
  const code = String((error as { code?: unknown } | undefined)?.code ?? '');
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENETUN|57P0|08|53|25P03)/.test(code) ||
    isStalePlan(error) ||
    /Connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable/.test(String(error))
  );
}

/** A database that is away or refuses is a link failure: trying again may help. */
export function databaseError(error: unknown): TsmError {
  if (error instanceof TsmError) return error;
  const code = String((error as { code?: unknown } | undefined)?.code ?? 'unknown');
  return new TransportError('database', `The database refused or is away (${code})`, { sqlState: code }, error);
}

/** Fails while the database does not answer. @throws TransportError */
export async function checkDatabase<Tables>(database: Kysely<Tables>): Promise<void> {
  try {
    await sql`SELECT 1`.execute(database);
  } catch (error) {
    throw databaseError(error);
  }
}
