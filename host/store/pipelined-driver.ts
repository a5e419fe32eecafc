// SPDX-License-Identifier: Apache-2.0
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type pg from 'pg';
import { InvariantError } from '../errors.ts';

/**
 * Kysely's driver for `pg`, with fewer messages and less work for the database: a statement with parameters is parsed
 * and planned once for each connection, and BEGIN travels with the first statement of its transaction.
 */

/** Statements that are kept prepared; texts beyond this number, which lists of many lengths could make, are not. */
const MAX_PREPARED = 512;
const COMMIT = 'COMMIT';
const names = new Map<string, string>();

/** Name of the prepared statement of this text, the same for every connection of this process. */
function nameOf({ sql, parameters }: CompiledQuery): string | undefined {
  // Scripts of several statements have no parameters and cannot be prepared.
  if (parameters.length === 0) return undefined;
  const known = names.get(sql);
  if (known !== undefined || names.size >= MAX_PREPARED) return known;
  const name = `opentsm_${names.size}`;
  names.set(sql, name);
  return name;
}

/** True when a migration has changed what a prepared statement returns: a new connection prepares it anew. */
export function isStalePlan(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return code === '0A000' && /cached plan must not change result type/.test(String(message));
}

class PipelinedConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  /** BEGIN is to be sent with the next statement. */
  #begins = false;
  #spoilt = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  begin(): void {
    this.#begins = true;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const name = nameOf(query);
    const { sql: text, parameters } = query;
    const statement = { text, values: [...parameters], ...(name === undefined ? {} : { name }) };
    try {
      const { command, rowCount, rows } = await this.#send(statement);
      // What was refused before and not passed on has ended the transaction already.
      if (command === 'ROLLBACK' && text === COMMIT)
        throw new InvariantError(
          'transaction-aborted',
          'A statement of this transaction had failed: it is rolled back',
        );
      const counts = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
      return { rows: rows ?? [], ...(counts ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
    } catch (error) {
      if (isStalePlan(error)) this.spoil();
      throw error;
    }
  }

  /** In one write, with BEGIN before it where a transaction begins. */
  async #send(statement: pg.QueryConfig): Promise<pg.QueryResult> {
    if (!this.#begins) return this.#client.query(statement);
    this.#begins = false;
    const { stream } = this.#client.connection;
    stream.cork();
    const begun = this.#client.query('BEGIN').catch((error: unknown) => {
      this.spoil();
      throw error;
    });
    const sent = this.#client.query(statement);
    stream.uncork();
    const [result] = await Promise.all([sent, begun]);
    return result;
  }

  // biome-ignore lint/correctness/useYield: nothing of ours streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new InvariantError('no-streams', 'Rows are read whole');
  }

  /** It is not used again. */
  spoil(): void {
    this.#spoilt = true;
  }

  release(): void {
    this.#client.release(this.#spoilt);
  }
}

/** The pool's clients must be made with `pipeline: true`. */
export class PipelinedDriver implements Driver {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PipelinedConnection> {
    return new PipelinedConnection(await this.#pool.connect());
  }

  async beginTransaction(connection: DatabaseConnection, { isolationLevel, accessMode }: TransactionSettings) {
    if (isolationLevel !== undefined || accessMode !== undefined)
      throw new InvariantError('transaction-kind', 'All transactions are of the default kind');
    own(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(COMMIT));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('ROLLBACK'));
    } catch (error) {
      own(connection).spoil();
      throw error;
    }
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    own(connection).release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

function own(connection: DatabaseConnection): PipelinedConnection {
  if (connection instanceof PipelinedConnection) return connection;
  throw new InvariantError('foreign-connection', 'This connection is of another driver');
}
