// SPDX-License-Identifier: Apache-2.0
import { TransportError, TsmError } from '../errors.ts';

/** What an error of the database means for whoever asked it. */

/** Codes of the operating system, of PostgreSQL (Appendix A of its manual), and what `pg` says without a code. */
const CONNECTION_CODES = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_AGAIN|ENOTFOUND|57P0|08|53|25P0[34])/;
const CONNECTION_TEXTS =
  /Connection terminated|connection timeout|timeout expired|timeout exceeded when trying to connect|not queryable/;
/** `read_only_sql_transaction`: after a failover the address leads elsewhere, and this connection to a standby. */
const READ_ONLY = '25006';
/** A statement was ended (its time is over), or what it waited for was another's: the transaction is rolled back. */
const STATEMENT_CODES: readonly string[] = ['57014', '40P01', '40001', '55P03'];

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null | undefined)?.code ?? '');

/** True when a migration has changed what a prepared statement returns: a new connection prepares it anew. */
const isStalePlan = (error: unknown): boolean =>
  codeOf(error) === '0A000' && /cached plan must not change result type/.test(String(error));

/** No answer came within the client's own time: what became of the statement is not known. */
const isReadTimeout = (error: unknown): boolean => /Query read timeout/.test(String(error));

/**
 * True when the connection failed, was ended, or is of no use any more, as opposed to a statement that is wrong:
 * whoever has it gives it up, and asks again on another one. Words of an error that has a code say nothing: they may be
 * a user's or a peer's.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof TsmError) return false;
  const code = codeOf(error);
  if (code === '') return isReadTimeout(error) || CONNECTION_TEXTS.test(String(error));
  return CONNECTION_CODES.test(code) || code === READ_ONLY || isStalePlan(error);
}

/** True when the same may succeed later: the database is away, or had no time or no turn for it. */
export const mayPass = (error: unknown): boolean =>
  isConnectionError(error) || (!(error instanceof TsmError) && STATEMENT_CODES.includes(codeOf(error)));

/** True when others were in the way of a transaction that is rolled back: at once it may succeed. */
export const isCrossed = (error: unknown): boolean => ['40P01', '40001'].includes(codeOf(error));

/** True when the database lives, and has no connection left for this role, this database or at all. */
export const isTooManyConnections = (error: unknown): boolean => codeOf(error) === '53300';

/** A database that is away or refuses is a link failure: trying again may help. */
export function databaseError(error: unknown): TsmError {
  if (error instanceof TsmError) return error;
  const code = isReadTimeout(error) ? 'no-answer' : codeOf(error) || 'unknown';
  return new TransportError('database', `The database refused or is away (${code})`, { sqlState: code }, error);
}

/** For a connection on which nothing can be written, before anything was tried. */
export const readOnlyError = (): TransportError =>
  new TransportError('database', 'The database takes no writes: it is a standby, or was set so', {
    sqlState: READ_ONLY,
  });
