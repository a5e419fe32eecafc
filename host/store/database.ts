import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { InvariantError, TransportError, TsmError } from '../errors.ts';

/** One step of a schema. Numbers rise by one; what was released is never changed. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly migrations: readonly Migration[];
  /** Largest number of connections of this process. */
  readonly connections?: number;
  readonly onError?: (error: Error) => void;
}

/** Any number that no other part uses for its advisory lock. */
const MIGRATION_LOCK = 0x6f74_736e;

/** Opens a database and brings its schema up to date. @throws TransportError when it cannot be reached */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Kysely<Tables>> {
  const pool = new pg.Pool({ connectionString: options.url, max: options.connections ?? 8 });
  pool.on('error', (error) => options.onError?.(error));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(database, options.migrations);
  } catch (error) {
    await database.destroy();
    throw databaseError(error);
  }
  return database;
}

async function migrate<Tables>(database: Kysely<Tables>, migrations: readonly Migration[]): Promise<void> {
  for (const [index, { number, name }] of migrations.entries()) {
    if (number !== index + 1) throw new InvariantError('migration-number', `Migration ${name} is out of order`);
  }
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

/** True for SQLSTATE 23505. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === '23505';
}

/** A database that is away or refuses is a link failure: trying again may help. */
export function databaseError(error: unknown): TsmError {
  if (error instanceof TsmError) return error;
  const code = String((error as { code?: unknown } | undefined)?.code ?? 'unknown');
  return new TransportError('database', `The database refused or is away (${code})`, { sqlState: code }, error);
}
