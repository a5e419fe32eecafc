import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';

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

const GENESIS = '0'.repeat(64);
const AUDIT_LOCK = 0x6f74_736f;

export class AuditLog {
  readonly #database: Kysely<AuditTables>;

  constructor(database: Kysely<AuditTables>) {
    this.#database = database;
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.#database.transaction().execute((transaction) => appendRecords(transaction, [entry]));
  }

  /** All records in order, oldest first. */
  async records(limit = 10_000): Promise<AuditRecord[]> {
    const rows = await this.#database.selectFrom('audit_log').selectAll().orderBy('number').limit(limit).execute();
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

/** Appends records in the caller's transaction; from here to its end no other one appends. */
export async function appendRecords<T extends AuditTables>(
  transaction: Transaction<T>,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const own = transaction as unknown as Transaction<AuditTables>;
  await sql`SELECT pg_advisory_xact_lock(${AUDIT_LOCK})`.execute(own);
  const last = await own
    .selectFrom('audit_log')
    .select(['number', 'hash'])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  let number = Number(last?.number ?? 0);
  let previousHash = last?.hash ?? GENESIS;
  const rows = entries.map((entry) => {
    number += 1;
    const chained = { ...entry, number, at: new Date().toISOString(), previousHash };
    previousHash = hashOf(chained);
    return {
      ...{ number: String(number), at: new Date(chained.at), phase: entry.phase, act: entry.act },
      ...{ subject: entry.subject, workflow_id: entry.workflowId, numeral: entry.numeral },
      details: JSON.stringify(entry.details),
      ...{ previous_hash: chained.previousHash, hash: previousHash },
    };
  });
  await own.insertInto('audit_log').values(rows).execute();
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
export function firstBrokenRecord(records: readonly AuditRecord[]): number | undefined {
  let previousHash = GENESIS;
  for (const [index, record] of records.entries()) {
    const { hash, ...chained } = record;
    if (record.number !== index + 1 || record.previousHash !== previousHash || hash !== hashOf(chained)) {
      return index + 1;
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
