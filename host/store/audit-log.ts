// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Statement, together, writeOnly } from './pipelined-driver.ts';

/** Append-only, hash-chained record of each key, certificate and card-content act, before and after. */

export const AUDIT_LOG_SQL = `
  CREATE TABLE audit_log (
    number bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    phase text NOT NULL CHECK (phase IN ('before', 'after', 'failed')),
    act text NOT NULL,
    subject text NOT NULL,
    workflow_id text NOT NULL,
    numeral text NOT NULL,
    details text NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL
  );
  CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
  CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

/**
 * Old records may be taken away, from the beginning and up to the anchor, which keeps the last one's hash: the rest is
 * still a chain from there.
 */
export const AUDIT_RETENTION_SQL = `
  CREATE TABLE audit_anchor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), number bigint NOT NULL, hash text NOT NULL
  );
  INSERT INTO audit_anchor (number, hash) VALUES (0, repeat('0', 64));
  DROP TRIGGER audit_log_append_only ON audit_log;
  CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
  CREATE FUNCTION refuse_early_delete() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF OLD.number > (SELECT number FROM audit_anchor) THEN RAISE EXCEPTION 'the audit log is append-only'; END IF;
      RETURN OLD;
    END $$;
  CREATE TRIGGER audit_log_keeps BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_early_delete();
`;

/** Where the chain begins: the last record that was taken away, or number 0. */
export interface AuditAnchor {
  readonly number: number;
  readonly hash: string;
}

interface AuditTable {
  number: string;
  at: Date;
  phase: AuditPhase;
  act: string;
  subject: string;
  workflow_id: string;
  numeral: string;
  details: string;
  previous_hash: string;
  hash: string;
}

export interface AuditTables {
  audit_log: AuditTable;
  audit_anchor: { number: string; hash: string };
}

export type AuditPhase = 'before' | 'after' | 'failed';

/** What happened to what. Details are facts for a search; never key bytes. */
export interface AuditEntry {
  readonly phase: AuditPhase;
  /** Command or act in GlobalPlatform's words. */
  readonly act: string;
  /** The card, security domain, key or certificate that it is about. */
  readonly subject: string;
  readonly workflowId: string;
  readonly numeral: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditRecord extends AuditEntry {
  readonly number: number;
  readonly at: string;
  readonly previousHash: string;
  readonly hash: string;
}

/** Which records to show. */
export interface AuditFilter {
  /** Number of the last record of the page before. */
  readonly after?: number;
  readonly act?: string;
  /** What the subject begins with: a card is `iccid:8986..`. */
  readonly subject?: string;
  readonly flow?: string;
}

const GENESIS = '0'.repeat(64);
const AUDIT_LOCK = 0x6f74_736f;
/** Act of a record that says which ones went: `upTo`, and `hash` of the last of them. */
export const PRUNED = 'prune audit log';

export class AuditLog {
  readonly #database: Kysely<AuditTables>;

  constructor(database: Kysely<AuditTables>) {
    this.#database = database;
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.#database.transaction().execute((transaction) => appendRecords(transaction, [entry]));
  }

  async anchor(): Promise<AuditAnchor> {
    const row = await this.#database.selectFrom('audit_anchor').selectAll().executeTakeFirstOrThrow();
    return { number: Number(row.number), hash: row.hash };
  }

  /** Records in order, oldest first; those that follow from `after` on and fit the filter. */
  async records(limit = 10_000, { after = 0, act, subject, flow }: AuditFilter = {}): Promise<AuditRecord[]> {
    let query = this.#database.selectFrom('audit_log').selectAll().where('number', '>', String(after));
    if (act !== undefined) query = query.where('act', '=', act);
    if (subject !== undefined) query = query.where('subject', 'like', `${escaped(subject)}%`);
    if (flow !== undefined) query = query.where('workflow_id', '=', flow);
    const rows = await query.orderBy('number').limit(limit).execute();
    return rows.map((row) => ({
      number: Number(row.number),
      at: row.at.toISOString(),
      phase: row.phase,
      act: row.act,
      subject: row.subject,
      workflowId: row.workflow_id,
      numeral: row.numeral,
      details: JSON.parse(row.details) as AuditEntry['details'],
      previousHash: row.previous_hash,
      hash: row.hash,
    }));
  }
}

/** For LIKE: the caller's text means itself. */
const escaped = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');

/**
 * Appends records in the caller's transaction; from here to its end no other one appends. An error of the records
 * themselves comes with the next statement or the transaction's end.
 *
 * @param before statements of the same transaction, which travel along
 * @returns the rows of those
 */
export async function appendRecords<T extends AuditTables>(
  transaction: Transaction<T>,
  entries: readonly AuditEntry[],
  before: readonly Statement[] = [],
): Promise<unknown[][]> {
  if (entries.length === 0) return together(transaction, before);
  const own = transaction as unknown as Transaction<AuditTables>;
  const lock = sql`SELECT pg_advisory_xact_lock(${AUDIT_LOCK})`;
  // A statement of its own sees what the holder of the lock before has written.
  const newest = sql<LastRecord>`SELECT number, hash FROM audit_log ORDER BY number DESC LIMIT 1`;
  const answers = await together(own, [...before, lock, newest]);
  const [last] = answers.at(-1) as LastRecord[];
  let number = Number(last?.number ?? 0);
  let previousHash = last?.hash ?? GENESIS;
  const rows = entries.map((entry) => {
    number += 1;
    const chained = { ...entry, number, at: new Date().toISOString(), previousHash };
    previousHash = hashOf(chained);
    return {
      number: String(number),
      at: new Date(chained.at),
      phase: entry.phase,
      act: entry.act,
      subject: entry.subject,
      workflow_id: entry.workflowId,
      numeral: entry.numeral,
      details: JSON.stringify(entry.details),
      previous_hash: chained.previousHash,
      hash: previousHash,
    };
  });
  await writeOnly(own, [own.insertInto('audit_log').values(rows)]);
  return answers.slice(0, before.length);
}

type LastRecord = Pick<AuditTable, 'number' | 'hash'>;

/**
 * Takes away what is older, and says so in the log itself; the newest record always stays. Returns how many went.
 *
 * @param days age in days
 */
export async function pruneAudit<T extends AuditTables>(database: Kysely<T>, days: number): Promise<number> {
  const own = database as unknown as Kysely<AuditTables>;
  return own.transaction().execute(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(${AUDIT_LOCK})`.execute(transaction);
    const { rows } = await sql<{ number: string; hash: string }>`
      SELECT number, hash FROM audit_log WHERE at < now() - ${days} * interval '1 day'
        AND number < (SELECT max(number) FROM audit_log) ORDER BY number DESC LIMIT 1`.execute(transaction);
    const last = rows[0];
    if (last === undefined) return 0;
    const details = { upTo: Number(last.number), hash: last.hash };
    const entry = {
      phase: 'after',
      act: PRUNED,
      subject: 'audit log',
      workflowId: '',
      numeral: '',
    } as const;
    await appendRecords(transaction, [{ ...entry, details }]);
    await transaction.updateTable('audit_anchor').set(last).execute();
    const gone = await transaction.deleteFrom('audit_log').where('number', '<=', last.number).executeTakeFirst();
    return Number(gone.numDeletedRows);
  });
}

/** Records an act before and after it is done, or that it failed. @throws what the act throws */
export async function audited<T>(log: AuditLog, entry: Omit<AuditEntry, 'phase'>, act: () => Promise<T>): Promise<T> {
  await log.append({ ...entry, phase: 'before' });
  try {
    const result = await act();
    await log.append({ ...entry, phase: 'after' });
    return result;
  } catch (error) {
    await log.append({ ...entry, phase: 'failed' });
    throw error;
  }
}

/** Number of the first record that does not follow from the one before it; undefined when the chain is whole. */
export function firstBrokenRecord(
  records: readonly AuditRecord[],
  anchor: AuditAnchor = { number: 0, hash: GENESIS },
): number | undefined {
  let previousHash = anchor.hash;
  for (const [index, record] of records.entries()) {
    const { hash, ...chained } = record;
    const number = anchor.number + index + 1;
    if (record.number !== number || record.previousHash !== previousHash || hash !== hashOf(chained)) {
      return number;
    }
    previousHash = hash;
  }
  return undefined;
}

/** SHA-256 over the fields in a fixed order. */
function hashOf(record: Omit<AuditRecord, 'hash'>): string {
  const { number, at, phase, act, subject, workflowId, numeral, details, previousHash } = record;
  const fields = [previousHash, number, at, phase, act, subject, workflowId, numeral, JSON.stringify(details)];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex').toUpperCase();
}
