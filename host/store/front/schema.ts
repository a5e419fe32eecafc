// SPDX-License-Identifier: Apache-2.0
import type { ColumnType, Generated } from 'kysely';
import { type Kysely, sql } from 'kysely';
import type { Operation as UserOperation } from '../../wire/message/front.ts';
import { AUDIT_LOG_SQL, AUDIT_RETENTION_SQL, type AuditTables } from '../audit-log.ts';
import type { Migration } from '../database.ts';
import { REQUEST_LOG_SQL, type RequestTables } from '../request-log.ts';

/**
 * The front's database. Two roles work in it: the owner, for operators and providers, and the app side's, which may
 * write what users and phones do and nothing else.
 */

interface UserCardTable {
  subject: string;
  /** A name of the card. */
  card: string;
  /** The name by which flows know it, where that is another. */
  main: string | null;
}

interface ActionTable {
  id: string;
  subject: string;
  card: string;
  /** `service`: a process of a service instance (`service-actions.ts`). */
  operation: ColumnType<UserOperation, UserOperation | 'service', never>;
  pool: string;
  /** The request, as it came. */
  request: ColumnType<unknown, string, never>;
  /** What the platform behind calls it: a top-up or a loss report. */
  peer_id: string | null;
  state: 'running' | 'done' | 'failed';
  result: ColumnType<unknown, string | null, string | null>;
  at: Generated<Date>;
  /** How often a report or its end that nobody asks for was taken up, and not before when it is again. */
  tries: Generated<number>;
  again_at: Date | null;
}

interface SeramSessionTable {
  handle: string;
  action_id: string;
  card: string;
  secret_sha256: string;
  /** service/front/seram-session.ts */
  body: ColumnType<unknown, string, string>;
  over: boolean;
  at: Generated<Date>;
}

interface RouteTable {
  name: string;
  version: number;
  /** Null when this version is the end of the route. */
  rule: ColumnType<unknown, string | null, never>;
  valid_from: Date | null;
  valid_to: Date | null;
  at: Generated<Date>;
}

interface ServiceNodeTable {
  pool: string;
  origin: string;
  seen_at: ColumnType<Date, never, Date>;
}

export interface FrontTables extends AuditTables, RequestTables {
  user_cards: UserCardTable;
  actions: ActionTable;
  seram_sessions: SeramSessionTable;
  routes: RouteTable;
  service_nodes: ServiceNodeTable;
}

const SERVICE_NODES_SQL = `
  CREATE TABLE service_nodes (
    pool text NOT NULL, origin text NOT NULL, seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (pool, origin)
  );
`;

export const FRONT_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'actions',
    sql: `
      ${REQUEST_LOG_SQL}
      ${AUDIT_LOG_SQL}
      ${AUDIT_RETENTION_SQL}
      CREATE TABLE user_cards (subject text NOT NULL, card text NOT NULL, PRIMARY KEY (subject, card));
      CREATE TABLE actions (
        id text PRIMARY KEY,
        subject text NOT NULL,
        card text NOT NULL,
        operation text NOT NULL,
        pool text NOT NULL,
        request jsonb NOT NULL,
        peer_id text,
        state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
        result jsonb,
        at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX actions_one_top_up ON actions (card) WHERE state = 'running' AND operation = 'top-up';
      CREATE INDEX actions_of_card ON actions (card, at);
      CREATE TABLE seram_sessions (
        handle text PRIMARY KEY,
        action_id text NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
        card text NOT NULL,
        secret_sha256 text NOT NULL UNIQUE,
        body jsonb NOT NULL,
        over boolean NOT NULL DEFAULT false,
        at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX seram_sessions_of_card ON seram_sessions (card, at) WHERE NOT over;
      CREATE INDEX seram_sessions_of_action ON seram_sessions (action_id);
    `,
  },
  {
    number: 2,
    name: 'routes',
    sql: `
      CREATE TABLE routes (
        name text NOT NULL,
        version integer NOT NULL,
        rule jsonb,
        valid_from timestamptz,
        valid_to timestamptz,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (name, version)
      );
    `,
  },
  { number: 3, name: 'service nodes', sql: SERVICE_NODES_SQL },
  { number: 4, name: 'further names of cards', sql: 'ALTER TABLE user_cards ADD COLUMN main text;' },
  {
    number: 5,
    name: 'reports taken up',
    sql: `
      ALTER TABLE actions ADD COLUMN tries integer NOT NULL DEFAULT 0, ADD COLUMN again_at timestamptz;
      CREATE INDEX actions_unanswered ON actions (pool, coalesce(again_at, at))
        WHERE state = 'running' AND operation IN ('loss-report', 'found');
    `,
  },
];

/** Any number that no other part uses for its advisory lock. */
const GRANT_LOCK = 0x6f74_7372;

/** Tables that the app side writes; of all others it reads those of the second list. */
const APP_WRITES = ['requests', 'actions', 'seram_sessions'];
const APP_READS = ['user_cards'];

/** Gives the app side's role what it needs and takes all else from it. @param role checked to be a plain name */
export async function grantAppSide(database: Kysely<FrontTables>, role: string): Promise<void> {
  const name = sql.id(role);
  const tables = (list: readonly string[]) => sql.join(list.map((table) => sql.id(table)));
  await database.transaction().execute(async (transaction) => {
    // Nodes that start together would grant the same in the same moment, which PostgreSQL refuses one of them.
    await sql`SELECT pg_advisory_xact_lock(${GRANT_LOCK})`.execute(transaction);
    await sql`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${name}`.execute(transaction);
    await sql`REVOKE CREATE ON SCHEMA public FROM ${name}`.execute(transaction);
    await sql`GRANT USAGE ON SCHEMA public TO ${name}`.execute(transaction);
    await sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables(APP_WRITES)} TO ${name}`.execute(transaction);
    await sql`GRANT SELECT ON ${tables(APP_READS)} TO ${name}`.execute(transaction);
  });
}
