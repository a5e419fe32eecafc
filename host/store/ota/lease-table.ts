// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import { BELL_CHANNEL } from '../bells.ts';
import { checkDatabase, type Migration } from '../database.ts';
import { databaseError } from '../database-errors.ts';
import { type Statement, together, writeOnly } from '../pipelined-driver.ts';
import { CAMPAIGN_MIGRATION } from './campaign-table.ts';
import { PLAIN_ICCIDS_MIGRATION } from './plain-iccids.ts';
import {
  AGENT_OF_CARD_MIGRATION,
  IDENTITY_OF_AGENT_MIGRATION,
  LATE_ANSWERS_MIGRATION,
  NUMBER_OF_POST_MIGRATION,
  READER_OF_PACKET_MIGRATION,
  SCRIPTS_SENT_ONCE_MIGRATION,
  SENDING_RULES_MIGRATION,
  SESSIONS_BY_IDENTITY_MIGRATION,
  SMS_MIGRATION,
  TERMINAL_OF_NUMBER_MIGRATION,
} from './sms-migration.ts';

/**
 * Who holds which reader. A lease row is never deleted, so its fencing number only rises, also when
 * this process is killed. Time is the database's.
 */

export const OTA_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'card-leases',
    sql: `
      CREATE TABLE card_leases (
        terminal_id text NOT NULL,
        reader_name text NOT NULL,
        fence bigint NOT NULL,
        session_id text,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (terminal_id, reader_name)
      );
      CREATE TABLE card_sessions (
        session_id text PRIMARY KEY,
        terminal_id text NOT NULL,
        reader_name text NOT NULL,
        fence bigint NOT NULL,
        provider_id text NOT NULL,
        owner text NOT NULL,
        insertion text NOT NULL,
        closed text,
        at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX card_sessions_open ON card_sessions (terminal_id) WHERE closed IS NULL;
    `,
  },
  {
    number: 2,
    name: 'nodes',
    sql: `
      ALTER TABLE card_leases ADD COLUMN node text;
      CREATE TABLE ota_nodes (owner text PRIMARY KEY, beat_at timestamptz NOT NULL);
      CREATE TABLE terminal_links (
        terminal_id text PRIMARY KEY,
        node text NOT NULL,
        address text NOT NULL,
        readers jsonb NOT NULL,
        connected_at timestamptz NOT NULL DEFAULT now()
      );
    `,
  },
  {
    number: 3,
    name: 'administration-sessions',
    sql: `
      CREATE TABLE admin_sessions (
        session_id text PRIMARY KEY,
        terminal_id text NOT NULL,
        reader_name text NOT NULL,
        fence bigint NOT NULL,
        psk_identity text NOT NULL,
        script integer NOT NULL DEFAULT 0,
        state text NOT NULL,
        body bytea,
        goes_on text,
        status text,
        result bytea,
        bytes_out bigint NOT NULL DEFAULT 0,
        bytes_in bigint NOT NULL DEFAULT 0,
        at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (terminal_id, reader_name, fence)
      );
    `,
  },
  {
    number: 4,
    name: 'provider-quotas',
    sql: `
      CREATE TABLE provider_rates (
        provider_id text PRIMARY KEY,
        allowance double precision NOT NULL,
        at timestamptz NOT NULL
      );
      CREATE TABLE provider_waits (
        provider_id text NOT NULL,
        node text NOT NULL,
        waiting integer NOT NULL,
        change bigint NOT NULL,
        PRIMARY KEY (provider_id, node)
      );
    `,
  },
  SMS_MIGRATION,
  CAMPAIGN_MIGRATION,
  TERMINAL_OF_NUMBER_MIGRATION,
  AGENT_OF_CARD_MIGRATION,
  SESSIONS_BY_IDENTITY_MIGRATION,
  SENDING_RULES_MIGRATION,
  PLAIN_ICCIDS_MIGRATION,
  SCRIPTS_SENT_ONCE_MIGRATION,
  IDENTITY_OF_AGENT_MIGRATION,
  READER_OF_PACKET_MIGRATION,
  NUMBER_OF_POST_MIGRATION,
  LATE_ANSWERS_MIGRATION,
];

/** Why a session ended. */
export type CloseReason = 'closed' | 'superseded' | 'card-removed' | 'outcome-unknown';

export interface SessionRow {
  readonly sessionId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly fence: number;
  readonly providerId: string;
  readonly owner: string;
  readonly insertion: string;
  readonly closed: CloseReason | null;
}

export interface NewSession {
  readonly sessionId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly providerId: string;
  readonly owner: string;
  readonly insertion: string;
  readonly leaseMs: number;
  /** Cards that the provider may hold, where other nodes give it cards too; absent: the caller has counted. */
  readonly maxSessions?: number | undefined;
}

export type Taken =
  | { readonly fence: number; readonly expiresAt: Date }
  /** Another owner's lease is alive, for so long unless it is extended or given back. */
  | { readonly busyMs: number }
  /** The provider holds as many cards as it may, over all nodes. */
  | 'too-many-sessions';

interface Lease {
  readonly fence: string;
  readonly session_id: string | null;
  /** Milliseconds. */
  readonly left: number;
}

export class LeaseTable {
  readonly #database: Kysely<unknown>;
  readonly #node: string;

  /** @param node this life of this node: what it gives scripts time for ends with it */
  constructor(database: Kysely<unknown>, node: string) {
    this.#database = database;
    this.#node = node;
  }

  /** Takes the lease for a new session unless another owner's is alive. */
  async take(session: NewSession): Promise<Taken> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const { terminalId, readerName } = session;
        const row = sql`INSERT INTO card_leases (terminal_id, reader_name, fence, expires_at)
          VALUES (${terminalId}, ${readerName}, 0, now()) ON CONFLICT DO NOTHING`;
        // The lock first, in a statement of its own: what is read with it would be older than the wait.
        const lock = sql<Lease>`
          SELECT fence, session_id, extract(epoch FROM expires_at - now())::float8 * 1000 AS left FROM card_leases
          WHERE terminal_id = ${terminalId} AND reader_name = ${readerName} FOR UPDATE`;
        const [, locked] = await together(transaction, [row, lock]);
        const [lease] = locked as Lease[];
        if (lease === undefined) return { busyMs: 0 };
        const { left } = lease;
        if (left > 0 && lease.session_id !== null && !(await isOwner(transaction, lease.session_id, session)))
          return { busyMs: left };
        if (!(await hasRoom(transaction, session))) return 'too-many-sessions';
        const before = lease.session_id === null ? [] : closingSession(lease.session_id, 'superseded');
        return insertSession(transaction, session, Number(lease.fence) + 1, before);
      }),
    );
  }

  /** The session, if it is this provider's, and whether it still holds the lease. */
  async find(sessionId: string, providerId: string): Promise<(SessionRow & { readonly current: boolean }) | undefined> {
    return guarded(async () => {
      const { rows } = await sql<SessionRow & { fence: string | number; current: boolean }>`
        SELECT s.session_id AS "sessionId", s.terminal_id AS "terminalId", s.reader_name AS "readerName", s.fence,
          s.provider_id AS "providerId", s.owner, s.insertion, s.closed,
          l.session_id IS NOT DISTINCT FROM s.session_id AS current
        FROM card_sessions s JOIN card_leases l USING (terminal_id, reader_name)
        WHERE s.session_id = ${sessionId} AND s.provider_id = ${providerId}`.execute(this.#database);
      const row = rows[0];
      return row === undefined ? undefined : { ...row, fence: Number(row.fence) };
    });
  }

  /** The session in which this owner of the provider holds the reader. */
  async heldBy(
    providerId: string,
    { terminalId, readerName, owner }: Pick<SessionRow, 'terminalId' | 'readerName' | 'owner'>,
  ): Promise<string | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ session_id: string }>`
        SELECT session_id FROM card_leases JOIN card_sessions USING (session_id, terminal_id, reader_name)
        WHERE terminal_id = ${terminalId} AND reader_name = ${readerName} AND provider_id = ${providerId}
          AND owner = ${owner} AND closed IS NULL`.execute(this.#database);
      return rows[0]?.session_id;
    });
  }

  /** Readers that others than this provider hold. */
  async heldByOthers(providerId: string): Promise<{ readonly terminalId: string; readonly readerName: string }[]> {
    return guarded(async () => {
      const { rows } = await sql<{ terminalId: string; readerName: string }>`
        SELECT terminal_id AS "terminalId", reader_name AS "readerName"
        FROM card_leases JOIN card_sessions USING (session_id, terminal_id, reader_name)
        WHERE provider_id <> ${providerId} AND closed IS NULL AND expires_at > now()`.execute(this.#database);
      return rows;
    });
  }

  /** Moves the end of the lease to now + `leaseMs`. Undefined when the session does not hold it any more. */
  async extend(session: SessionRow, leaseMs: number): Promise<Date | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ expires_at: Date }>`
        UPDATE card_leases SET expires_at = now() + ${leaseMs} * interval '1 millisecond', node = ${this.#node}
        WHERE terminal_id = ${session.terminalId} AND reader_name = ${session.readerName}
          AND session_id = ${session.sessionId} AND fence = ${session.fence}
        RETURNING expires_at`.execute(this.#database);
      return rows[0]?.expires_at;
    });
  }

  /**
   * Cuts the leases of nodes that do not live down to `leaseMs`: what a node that was killed had given its scripts time
   * for is not waited for. A script of its that still runs is refused by its fence as soon as another session holds the
   * card.
   */
  async settleDead(leaseMs: number): Promise<void> {
    await guarded(() =>
      sql`UPDATE card_leases SET expires_at = now() + ${leaseMs} * interval '1 millisecond'
        WHERE expires_at > now() + ${leaseMs} * interval '1 millisecond'
          AND coalesce(node, '') NOT IN (SELECT owner FROM ota_nodes)`.execute(this.#database),
    );
  }

  /** Ends a session and frees its lease; a session that has ended keeps its first reason. */
  async close(sessionId: string, reason: CloseReason): Promise<void> {
    await guarded(() =>
      this.#database.transaction().execute((transaction) => writeOnly(transaction, closingSession(sessionId, reason))),
    );
  }

  /** Ends the sessions of a terminal whose insertion is not there any more; returns how many. */
  async closeRemoved(
    terminalId: string,
    present: readonly { readonly readerName: string; readonly insertion: string }[],
  ): Promise<number> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const readers = present.map(({ readerName }) => readerName);
        const insertions = present.map(({ insertion }) => insertion);
        const { rows } = await sql<{ session_id: string }>`
          SELECT session_id FROM card_sessions WHERE terminal_id = ${terminalId} AND closed IS NULL
            AND (reader_name, insertion) NOT IN (SELECT * FROM unnest(${readers}::text[], ${insertions}::text[]))
            ORDER BY session_id`.execute(transaction);
        await writeOnly(
          transaction,
          rows.flatMap(({ session_id }) => closingSession(session_id, 'card-removed')),
        );
        return rows.length;
      }),
    );
  }

  /** Forgets sessions that ended long ago. */
  async prune(): Promise<void> {
    await guarded(() =>
      sql`DELETE FROM card_sessions WHERE closed IS NOT NULL AND at < now() - interval '1 day'`.execute(this.#database),
    );
  }

  /** @throws TransportError as `checkDatabase` */
  check(): Promise<void> {
    return checkDatabase(this.#database);
  }
}

async function isOwner(transaction: Transaction<unknown>, sessionId: string, { providerId, owner }: NewSession) {
  const { rows } = await sql`SELECT 1 FROM card_sessions
    WHERE session_id = ${sessionId} AND provider_id = ${providerId} AND owner = ${owner}`.execute(transaction);
  return rows.length > 0;
}

/** Nodes that count for the same provider do so one after the other; the reader in question is not counted. */
async function hasRoom(transaction: Transaction<unknown>, session: NewSession): Promise<boolean> {
  const { providerId, terminalId, readerName, maxSessions } = session;
  if (maxSessions === undefined) return true;
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sessions of ${providerId}`}, 0))`.execute(transaction);
  const { rows } = await sql<{ held: number }>`SELECT count(*)::int AS held
    FROM card_leases JOIN card_sessions USING (session_id, terminal_id, reader_name)
    WHERE provider_id = ${providerId} AND closed IS NULL AND expires_at > now()
      AND (terminal_id, reader_name) <> (${terminalId}, ${readerName})`.execute(transaction);
  return (rows[0]?.held ?? 0) < maxSessions;
}

/** @param before statements that go first */
async function insertSession(
  transaction: Transaction<unknown>,
  session: NewSession,
  fence: number,
  before: readonly Statement[],
) {
  const { sessionId, terminalId, readerName, providerId, owner, insertion, leaseMs } = session;
  const added = sql`
    INSERT INTO card_sessions (session_id, terminal_id, reader_name, fence, provider_id, owner, insertion)
    VALUES (${sessionId}, ${terminalId}, ${readerName}, ${fence}, ${providerId}, ${owner}, ${insertion})`;
  const taken = sql`
    UPDATE card_leases SET fence = ${fence}, session_id = ${sessionId},
      expires_at = now() + ${leaseMs} * interval '1 millisecond'
    WHERE terminal_id = ${terminalId} AND reader_name = ${readerName} RETURNING expires_at`;
  const answers = await together(transaction, [...before, added, taken]);
  const [row] = answers.at(-1) as { readonly expires_at: Date }[];
  return { fence, expiresAt: row?.expires_at ?? new Date(0) };
}

function closingSession(sessionId: string, reason: CloseReason): Statement[] {
  return [
    // Lease before session, as take() does, so that two of these never wait for each other.
    // Who waits for this card may do so at another node.
    sql`WITH freed AS (UPDATE card_leases SET session_id = NULL, expires_at = now()
        WHERE session_id = ${sessionId} RETURNING terminal_id, reader_name)
      SELECT pg_notify(${BELL_CHANNEL}, 'reader ' || terminal_id || ' ' || reader_name) FROM freed`,
    sql`UPDATE card_sessions SET closed = ${reason} WHERE session_id = ${sessionId} AND closed IS NULL`,
  ];
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
