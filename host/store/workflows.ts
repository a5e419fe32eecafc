// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import { BELL_CHANNEL } from './bells.ts';
import type { Statement } from './pipelined-driver.ts';

/**
 * The journal of the durable engine: one row a workflow, with the results of its steps, and who works on it.
 * An owner is one life of one node; what an earlier owner writes later is refused by the row itself.
 */

export const WORKFLOWS_SQL = `
  CREATE TABLE workflows (
    id text PRIMARY KEY,
    kind text NOT NULL,
    fair_key text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'ended')),
    owner text,
    version text NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    cancelled boolean NOT NULL DEFAULT false,
    input jsonb NOT NULL,
    results jsonb NOT NULL DEFAULT '{}',
    queued_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'running') = (owner IS NOT NULL))
  );
  CREATE INDEX workflows_at_work ON workflows (state, fair_key, queued_at) WHERE state <> 'ended';
  CREATE INDEX workflows_by_time ON workflows (queued_at, id);
  CREATE TABLE workflow_nodes (owner text PRIMARY KEY, beat_at timestamptz NOT NULL);
`;

/** W3C trace id of the request that asked for it. */
export const WORKFLOW_TRACE_SQL = 'ALTER TABLE workflows ADD COLUMN trace_id text;';

export interface WorkflowTables {
  workflows: {
    id: string;
    kind: string;
    fair_key: string;
    state: 'queued' | 'running' | 'ended';
    owner: string | null;
    version: string;
    tries: number;
    cancelled: boolean;
    input: string;
    results: string;
    trace_id: string | null;
    queued_at: Date;
    updated_at: Date;
  };
  workflow_nodes: { owner: string; beat_at: Date };
}

/** The bell that rings when a workflow waits for a node. */
export const QUEUE_BELL = 'queue';
/** The bell of one workflow. */
export const workflowBell = (id: string): string => `workflow ${id}`;

export interface WorkflowRow {
  readonly id: string;
  readonly kind: string;
  readonly fairKey: string;
  readonly state: 'queued' | 'running' | 'ended';
  readonly owner: string | null;
  readonly version: string;
  readonly tries: number;
  readonly cancelled: boolean;
  readonly input: unknown;
  readonly results: Readonly<Record<string, unknown>>;
  readonly queuedAt: Date;
  readonly updatedAt: Date;
  /** Null for one of a release without traces. */
  readonly traceId: string | null;
}

export type NewWorkflow = Pick<WorkflowRow, 'id' | 'kind' | 'fairKey' | 'version' | 'input'> & {
  readonly traceId?: string;
};

const COLUMNS = sql`id, kind, fair_key AS "fairKey", state, owner, version, tries, cancelled, input, results,
  queued_at AS "queuedAt", updated_at AS "updatedAt", trace_id AS "traceId"`;

/** Adds a workflow, at work with this owner or waiting for one. False when the id is taken. */
export async function addWorkflow<T>(database: Kysely<T>, workflow: NewWorkflow, owner: string | null) {
  const { id, kind, fairKey, version, input, traceId } = workflow;
  const state = owner === null ? 'queued' : 'running';
  const { rows } = await sql<{ id: string }>`
    INSERT INTO workflows (id, kind, fair_key, state, owner, version, input, trace_id)
    VALUES (
      ${id}, ${kind}, ${fairKey}, ${state}, ${owner}, ${version}, ${JSON.stringify(input)}::jsonb, ${traceId ?? null}
    )
    ON CONFLICT (id) DO NOTHING RETURNING id`.execute(database);
  if (rows.length > 0 && owner === null) await notify(database, QUEUE_BELL);
  return rows.length > 0;
}

/**
 * Takes up to `limit` workflows that wait. First those whose key has the fewest at work, so that nobody's long
 * queue keeps the others waiting, and of these whose key stands first, or not at all, in `served`; within a key the
 * oldest. Nodes that ask at once get different rows: fewer than `limit` come only when no more wait.
 *
 * @param served keys, whose turn was last at the end: with few at work all keys have equally many
 */
export async function takeQueued<T>(
  database: Kysely<T>,
  owner: string,
  limit: number,
  served: readonly string[],
): Promise<WorkflowRow[]> {
  const { rows } = await sql<WorkflowRow>`
    WITH busy AS (SELECT fair_key, count(*) AS at_work FROM workflows WHERE state = 'running' GROUP BY fair_key),
    turns AS (
      SELECT id, queued_at,
        row_number() OVER (PARTITION BY fair_key ORDER BY queued_at, id) + coalesce(at_work, 0) AS turn
      FROM workflows LEFT JOIN busy USING (fair_key) WHERE state = 'queued'),
    served AS (SELECT fair_key, place FROM unnest(${[...served]}::text[]) WITH ORDINALITY AS served (fair_key, place)),
    next AS (SELECT row.id FROM workflows row JOIN turns ON turns.id = row.id
        LEFT JOIN served ON served.fair_key = row.fair_key WHERE row.state = 'queued'
      ORDER BY turns.turn, served.place NULLS FIRST, row.queued_at
      LIMIT ${limit} FOR UPDATE OF row SKIP LOCKED)
    UPDATE workflows SET state = 'running', owner = ${owner}, updated_at = now()
    WHERE id IN (SELECT id FROM next) RETURNING ${COLUMNS}`.execute(database);
  return rows;
}

/** What the owner of a workflow is told with each record. Undefined: it is another's, or has ended. */
export type Recorded = { readonly cancelled: boolean } | undefined;

/** The statement that keeps the result of a step; `recordedOf` reads its rows. */
export const recordingResult = (
  { id, owner }: { readonly id: string; readonly owner: string },
  results: Readonly<Record<string, unknown>>,
): Statement => sql`
    UPDATE workflows SET results = results || ${JSON.stringify(results)}::jsonb, updated_at = now()
    WHERE id = ${id} AND owner = ${owner} RETURNING cancelled`;

export const recordedOf = (rows: readonly unknown[] | undefined): Recorded => rows?.[0] as Recorded;

/** What the steps of a workflow returned is in its table no more: some of it is not to be had twice. */
export async function forgetResults<T>(database: Kysely<T>, id: string): Promise<void> {
  await sql`UPDATE workflows SET results = '{}' WHERE id = ${id}`.execute(database);
}

/** Ends a workflow that this owner works on, and tells all nodes. */
export async function endWorkflow<T>(database: Kysely<T>, id: string, owner: string): Promise<boolean> {
  const { rows } = await sql`
    WITH ended AS (UPDATE workflows SET state = 'ended', owner = NULL, updated_at = now()
      WHERE id = ${id} AND owner = ${owner} RETURNING id)
    SELECT pg_notify(${BELL_CHANNEL}, ${workflowBell(id)}) FROM ended`.execute(database);
  return rows.length > 0;
}

/** Ends a workflow that nobody works on. */
export async function endQueued<T>(database: Kysely<T>, id: string): Promise<boolean> {
  const { rows } = await sql`
    WITH ended AS (UPDATE workflows SET state = 'ended', updated_at = now()
      WHERE id = ${id} AND state = 'queued' RETURNING id)
    SELECT pg_notify(${BELL_CHANNEL}, ${workflowBell(id)}) FROM ended`.execute(database);
  return rows.length > 0;
}

/** Asks the owner to end it; the row says so from now on. */
export async function cancelWorkflow<T>(database: Kysely<T>, id: string): Promise<void> {
  await sql`
    WITH told AS (UPDATE workflows SET cancelled = true WHERE id = ${id} AND state <> 'ended' RETURNING id)
    SELECT pg_notify(${BELL_CHANNEL}, ${workflowBell(id)}) FROM told`.execute(database);
}

/** Puts a workflow that has ended back to its beginning. False when it has not ended. */
export async function requeueEnded<T>(database: Kysely<T>, id: string, version: string): Promise<boolean> {
  const { rows } = await sql`
    UPDATE workflows SET state = 'queued', results = '{}', tries = tries + 1, cancelled = false, version = ${version},
      updated_at = now() WHERE id = ${id} AND state = 'ended' RETURNING id`.execute(database);
  if (rows.length > 0) await notify(database, QUEUE_BELL);
  return rows.length > 0;
}

/** A workflow of another version starts again: what its steps left is looked at anew, by the steps of today. */
export async function restartUnder<T>(database: Kysely<T>, id: string, owner: string, version: string): Promise<void> {
  await sql`UPDATE workflows SET version = ${version}, results = '{}', updated_at = now()
    WHERE id = ${id} AND owner = ${owner}`.execute(database);
}

/** Gives back what one owner, or every owner that is not alive, had at work. Returns how many. */
export async function requeueOf<T>(
  database: Kysely<T>,
  who: { readonly owner: string } | { readonly node: string } | 'dead',
): Promise<number> {
  const whose =
    who === 'dead'
      ? sql`owner NOT IN (SELECT owner FROM workflow_nodes)`
      : 'owner' in who
        ? sql`owner = ${who.owner}`
        : sql`split_part(owner, '/', 1) = ${who.node}`;
  const { rows } = await sql`UPDATE workflows SET state = 'queued', owner = NULL, updated_at = now()
    WHERE state = 'running' AND ${whose} RETURNING id`.execute(database);
  if (rows.length > 0) await notify(database, QUEUE_BELL);
  return rows.length;
}

/**
 * Puts back into the queue what this owner took and does not have at work: it did not hear that it has it, because the
 * answer was lost. Only what has stood still for longer than any answer takes. Returns how many.
 */
export async function requeueUnheard<T>(
  database: Kysely<T>,
  owner: string,
  atWork: readonly string[],
  stillMs: number,
): Promise<number> {
  const { rows } = await sql`UPDATE workflows SET state = 'queued', owner = NULL, updated_at = now()
    WHERE state = 'running' AND owner = ${owner} AND NOT id = ANY(${[...atWork]}::text[])
      AND updated_at < now() - ${stillMs} * interval '1 millisecond' RETURNING id`.execute(database);
  if (rows.length > 0) await notify(database, QUEUE_BELL);
  return rows.length;
}

export async function findWorkflow<T>(database: Kysely<T>, id: string): Promise<WorkflowRow | undefined> {
  const { rows } = await sql<WorkflowRow>`SELECT ${COLUMNS} FROM workflows WHERE id = ${id}`.execute(database);
  return rows[0];
}

/** The same, once whoever is writing it has ended; from here to the transaction's end nobody else writes it. */
export async function lockWorkflow<T>(transaction: Transaction<T>, id: string): Promise<WorkflowRow | undefined> {
  const { rows } = await sql<WorkflowRow>`SELECT ${COLUMNS} FROM workflows WHERE id = ${id} FOR UPDATE`.execute(
    transaction,
  );
  return rows[0];
}

/** How many wait for a node. */
export async function countQueued<T>(database: Kysely<T>): Promise<number> {
  const { rows } = await sql<{
    queued: string;
  }>`SELECT count(*) AS queued FROM workflows WHERE state = 'queued'`.execute(database);
  return Number(rows[0]?.queued ?? 0);
}

/** Tells every node's bell. */
export async function notify<T>(database: Kysely<T>, bell: string): Promise<void> {
  await sql`SELECT pg_notify(${BELL_CHANNEL}, ${bell})`.execute(database);
}
