// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { ActionState, Operation, StartAction } from '../../wire/message/front.ts';
import type { FrontTables } from './schema.ts';

/** What users asked for, and what became of it. */

type Database = Kysely<FrontTables>;
/** Rows of processes of service instances (`service-actions.ts`), which are no actions of ours. */
export const SERVICE = 'service';
export type ActionResult = Pick<
  ActionState,
  | 'outcome'
  | 'balanceBefore'
  | 'balanceAfter'
  | 'tacVerified'
  | 'messages'
  | 'values'
  | 'synchronised'
  | 'closedReports'
  | 'stillReported'
  | 'roundTrips'
  | 'problem'
>;

export interface Action {
  readonly id: string;
  readonly subject: string;
  readonly card: string;
  readonly operation: Operation;
  readonly pool: string;
  readonly request: StartAction;
  readonly peerId?: string;
  readonly state: ActionState['state'];
  readonly result: ActionResult;
  /** Age in milliseconds. */
  readonly ageMs: number;
}

/** @returns false when another top-up of this card is under way */
export async function addAction(
  database: Database,
  action: Pick<Action, 'id' | 'subject' | 'card' | 'operation' | 'pool' | 'request'>,
): Promise<boolean> {
  const { id, subject, card, operation, pool, request } = action;
  const added = await database
    .insertInto('actions')
    .values({ id, subject, card, operation, pool, request: JSON.stringify(request), state: 'running', result: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return added !== undefined || (await findAction(database, id)) !== undefined;
}

export async function findAction(database: Database, id: string): Promise<Action | undefined> {
  const row = await actionsOf(database)
    .where('id', '=', id)
    .where(sql<boolean>`operation <> ${SERVICE}`)
    .executeTakeFirst();
  return row === undefined ? undefined : toAction(row);
}

/** The top-up of this card that is under way. */
export async function findRunningTopUp(database: Database, card: string): Promise<Action | undefined> {
  const row = await actionsOf(database)
    .where('card', '=', card)
    .where('state', '=', 'running')
    .where('operation', '=', 'top-up')
    .executeTakeFirst();
  return row === undefined ? undefined : toAction(row);
}

/** Loss reports of its card that the user of this action made before it, newest first; running: not answered yet. */
export async function findOwnReports(
  database: Database,
  { id, subject, card }: Pick<Action, 'id' | 'subject' | 'card'>,
): Promise<Action[]> {
  const rows = await actionsOf(database)
    .where('card', '=', card)
    .where('subject', '=', subject)
    .where('operation', '=', 'loss-report')
    .where(sql<boolean>`(peer_id IS NOT NULL OR state = 'running')`)
    .where(sql<boolean>`at <= (SELECT found.at FROM actions AS found WHERE found.id = ${id})`)
    .orderBy('at', 'desc')
    .limit(1_000)
    .execute();
  return rows.map(toAction);
}

/** Reports, and ends of them, that are answered at once, were begun so long ago and are due. */
const lost = (afterMs: number) => sql<boolean>`state = 'running' AND operation IN ('loss-report', 'found')
  AND at < now() - ${afterMs} * interval '1 millisecond' AND coalesce(again_at, at) <= now()`;

/** Platforms behind that have to be asked about such a one. */
export async function listPoolsOfLostReports(database: Database, afterMs: number): Promise<string[]> {
  const rows = await database.selectFrom('actions').select('pool').distinct().where(lost(afterMs)).execute();
  return rows.map(({ pool }) => pool);
}

/**
 * Takes those of one platform that nobody has tried, then those that have waited longest. Each is due again after a
 * pause that doubles with each try: whoever takes it may die, and what gets no answer goes behind the others.
 *
 * @param except those that the caller has taken and is still at
 * @returns the oldest first
 */
export async function claimLostReports(
  database: Database,
  pool: string,
  options: {
    readonly afterMs: number;
    readonly firstPauseMs: number;
    readonly longestPauseMs: number;
    readonly atOnce: number;
    readonly except: readonly string[];
  },
): Promise<Action[]> {
  const { afterMs, firstPauseMs, longestPauseMs, atOnce, except } = options;
  const { rows } = await sql<ActionRow>`
    UPDATE actions SET tries = tries + 1, again_at = now() + interval '1 millisecond'
      * least(${longestPauseMs}, ${firstPauseMs} * power(2, least(tries, 20)))
    WHERE id IN (SELECT id FROM actions WHERE pool = ${pool} AND ${lost(afterMs)}
        AND id <> ALL(${[...except]}::text[])
      ORDER BY again_at IS NOT NULL, coalesce(again_at, at), id LIMIT ${atOnce} FOR UPDATE SKIP LOCKED)
    RETURNING *, (extract(epoch FROM clock_timestamp() - at) * 1000)::float8 AS age_ms`.execute(database);
  return rows.map(toAction).toSorted((one, other) => other.ageMs - one.ageMs);
}

export async function recordPeer(database: Database, id: string, peerId: string): Promise<void> {
  await database.updateTable('actions').set({ peer_id: peerId }).where('id', '=', id).execute();
}

/** The first end counts. */
export async function finishAction(
  database: Database,
  id: string,
  state: 'done' | 'failed',
  result: ActionResult,
): Promise<void> {
  await database
    .updateTable('actions')
    .set({ state, result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute();
}

const actionsOf = (database: Database) =>
  database
    .selectFrom('actions')
    .selectAll()
    .select(sql<number>`(extract(epoch FROM clock_timestamp() - at) * 1000)::float8`.as('age_ms'));

type ActionRow = Selectable<FrontTables['actions']> & { readonly age_ms: number };

function toAction(row: ActionRow): Action {
  const { id, subject, card, operation, pool, state } = row;
  return {
    id,
    subject,
    card,
    operation,
    pool,
    state,
    ageMs: row.age_ms,
    // The driver has parsed the columns; they were checked when they came.
    request: row.request as StartAction,
    result: (row.result ?? {}) as ActionResult,
    ...(row.peer_id === null ? {} : { peerId: row.peer_id }),
  };
}
