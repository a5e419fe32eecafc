// SPDX-License-Identifier: Apache-2.0
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryExecutorProvider,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import pg from 'pg';
import { InvariantError } from '../errors.ts';
import { isConnectionError, readOnlyError } from './database-errors.ts';

/**
 * Kysely's driver for `pg`, with fewer messages and less work for the database: a statement with parameters is parsed
 * and planned once for each connection, BEGIN travels with the first statement of its transaction, statements that do
 * not need each other's answers travel together, and what is only written travels with COMMIT.
 */

/** Statements that are kept prepared; texts beyond this number, which lists of many lengths could make, are not. */
const MAX_PREPARED = 512;
const COMMIT = 'COMMIT';
export const READ_ONLY_STATE = "SELECT current_setting('transaction_read_only') AS state";
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

/** What the first of these threw, when all have ended. */
async function firstFailure(sent: readonly Promise<unknown>[]): Promise<unknown> {
  const ended = await Promise.allSettled(sent);
  return ended.find((one) => one.status === 'rejected')?.reason;
}

class PipelinedConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  /** BEGIN is to be sent with the next statement. */
  #begins = false;
  /** Sent, and looked at with the answer to COMMIT. */
  #unread: readonly Promise<unknown>[] = [];
  #corked = false;
  #spoilt = false;
  readonly #onEnded: () => void;

  constructor(client: pg.PoolClient, onEnded: () => void) {
    this.#client = client;
    this.#onEnded = onEnded;
  }

  begin(): void {
    this.#begins = true;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const name = nameOf(query);
    const { sql: text, parameters } = query;
    const unread = this.#unread;
    try {
      const { command, rowCount, rows } = await this.#send(text, [...parameters], name);
      this.#onEnded();
      // What was refused before and not passed on has ended the transaction already.
      if (command === 'ROLLBACK' && text === COMMIT)
        throw new InvariantError(
          'transaction-aborted',
          'A statement of this transaction had failed: it is rolled back',
        );
      const counts = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
      return { rows: rows ?? [], ...(counts ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
    } catch (error) {
      // What nobody has looked at yet came first: this one was refused for its sake.
      const first = (await firstFailure(unread)) ?? error;
      if (isConnectionError(error) || isConnectionError(first)) this.spoil();
      else this.#onEnded();
      throw first;
    }
  }

  /** In one write with what else this turn sends, with BEGIN before it where a transaction begins. */
  async #send(text: string, values: unknown[], name: string | undefined): Promise<pg.QueryResult> {
    this.#cork();
    if (!this.#begins) return this.#query(text, values, name);
    this.#begins = false;
    const begun = this.#client.query('BEGIN').catch((error: unknown) => {
      this.spoil();
      throw error;
    });
    const sent = this.#query(text, values, name);
    const [result] = await Promise.all([sent, begun]);
    return result;
  }

  /** What `query` of the client does with such an object it copies first, at ten times the cost. */
  #query(text: string, values: unknown[], name: string | undefined): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => {
      const callback = (error: Error | null, result: pg.QueryResult) =>
        error === null ? resolve(result) : reject(error);
      this.#client.query(Object.assign(new pg.Query(text, values), { name, callback }));
    });
  }

  #cork(): void {
    if (this.#corked) return;
    const { stream } = this.#client.connection;
    this.#corked = true;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  /** Sends a statement whose answer matters only if it is an error: what needs an answer next throws that. */
  write(query: CompiledQuery): void {
    const sent = this.executeQuery(query);
    // It is told by `commit`.
    sent.catch(() => undefined);
    this.#unread = [...this.#unread, sent];
  }

  /** @throws what the first statement threw that was only written */
  async commit(): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    const failed = await firstFailure([...unread, this.executeQuery(CompiledQuery.raw(COMMIT))]);
    if (failed !== undefined) throw failed;
  }

  async rollback(): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    await Promise.allSettled(unread);
    await this.executeQuery(CompiledQuery.raw('ROLLBACK'));
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
  readonly #onEnded: () => void;

  /** @param onEnded hears of each statement that the server has answered */
  constructor(pool: pg.Pool, onEnded: () => void = () => {}) {
    this.#pool = pool;
    this.#onEnded = onEnded;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PipelinedConnection> {
    return new PipelinedConnection(await this.#pool.connect(), this.#onEnded);
  }

  async beginTransaction(connection: DatabaseConnection, { isolationLevel, accessMode }: TransactionSettings) {
    if (isolationLevel !== undefined || accessMode !== undefined)
      throw new InvariantError('transaction-kind', 'All transactions are of the default kind');
    own(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await own(connection).rollback();
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

/** A statement that is not sent yet. */
export interface Statement {
  compile(database: QueryExecutorProvider): CompiledQuery;
}

/**
 * Sends statements of which none needs another's answer, in this order and in one write.
 *
 * @returns their rows, statement by statement
 * @throws what the first of them threw that failed, when all have answered
 */
export async function together(
  database: QueryExecutorProvider,
  statements: readonly Statement[],
): Promise<unknown[][]> {
  if (statements.length === 0) return [];
  const compiled = statements.map((statement) => statement.compile(database));
  const ended = await database
    .getExecutor()
    .provideConnection((connection) => Promise.allSettled(compiled.map((query) => connection.executeQuery(query))));
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value.rows;
  });
}

/** Only what COMMIT or ROLLBACK follows has a place where such an error is thrown. */
type InTransaction = QueryExecutorProvider & { readonly isTransaction: true };

/**
 * Sends statements of a transaction whose answers nobody needs, with what is sent next: an error of theirs comes from
 * COMMIT, or from the next statement that has an answer.
 */
export async function writeOnly(transaction: InTransaction, statements: readonly Statement[]): Promise<void> {
  const compiled = statements.map((statement) => statement.compile(transaction));
  await transaction.getExecutor().provideConnection(async (connection) => {
    for (const query of compiled) own(connection).write(query);
  });
}

/** Fails where nothing can be written, and gives that connection up. @throws TransportError `database` */
export async function requireWritable(database: QueryExecutorProvider): Promise<void> {
  await database.getExecutor().provideConnection(async (connection) => {
    const { rows } = await connection.executeQuery<{ state: string }>(CompiledQuery.raw(READ_ONLY_STATE));
    if (rows[0]?.state === 'off') return;
    own(connection).spoil();
    throw readOnlyError();
  });
}
