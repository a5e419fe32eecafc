// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { BELL_CHANNEL } from '../bells.ts';
import type { FrontTables } from './schema.ts';

/** SERAM sessions: one row each, changed under its lock, so that any node goes on with it. */

type Database = Kysely<FrontTables>;

/** Rings at every node when something of the session has changed. */
export const sessionBell = (handle: string): string => `seram ${handle}`;
/** Rings when a phone with this card comes or goes. */
export const cardBell = (card: string): string => `seram-card ${card}`;

export interface SessionRow<Body> {
  readonly handle: string;
  readonly actionId: string;
  readonly card: string;
  readonly body: Body;
}

/** What `act` of changeSession wants kept. */
export interface SessionChange<Body, T> {
  /** Absent: as it was. */
  readonly body?: Body;
  readonly over: boolean;
  readonly value: T;
}

/** Milliseconds since 1970 by the database's clock: nodes are not compared with each other. */
export async function databaseNow(database: Database): Promise<number> {
  const { rows } = await sql<{ now: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.execute(database);
  return rows[0]?.now ?? 0;
}

export async function addSession(
  database: Database,
  row: SessionRow<unknown> & { readonly secretSha256: string },
): Promise<void> {
  await database
    .insertInto('seram_sessions')
    .values({
      handle: row.handle,
      action_id: row.actionId,
      card: row.card,
      secret_sha256: row.secretSha256,
      body: JSON.stringify(row.body),
      over: false,
    })
    .execute();
}

/** The session that an action has now. */
export async function findLiveSession(database: Database, actionId: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('seram_sessions')
    .select('handle')
    .where('action_id', '=', actionId)
    .where('over', '=', false)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  return row?.handle;
}

/** The last session that an action had, over or not. */
export async function findLastSession<Body>(database: Database, actionId: string): Promise<Body | undefined> {
  const row = await database
    .selectFrom('seram_sessions')
    .select('body')
    .where('action_id', '=', actionId)
    .orderBy('at', 'desc')
    .executeTakeFirst();
  return row?.body as Body | undefined;
}

/**
 * The newest session of this card that is not over. A contact takes it from none that a phone has taken up for
 * something else: several users may have the same card, and any of them may begin contacts.
 */
export async function findSessionOfCard(database: Database, card: string): Promise<string | undefined> {
  const { rows } = await sql<{ handle: string }>`
    SELECT handle FROM seram_sessions JOIN actions ON actions.id = action_id
    WHERE seram_sessions.card = ${card} AND NOT over
    ORDER BY operation = 'contact' OR body->>'state' = 'CREATED', seram_sessions.at DESC LIMIT 1`.execute(database);
  return rows[0]?.handle;
}

/** Forgets sessions of yesterday and before: none of them can still be under way. Returns how many. */
export async function pruneSessions(database: Database): Promise<number> {
  const gone = await database
    .deleteFrom('seram_sessions')
    .where('at', '<', sql<Date>`now() - interval '1 day'`)
    .executeTakeFirst();
  return Number(gone.numDeletedRows);
}

/** Another secret for a session that nobody has taken up yet: the one before is good for nothing then. */
export async function replaceSecret(database: Database, handle: string, secretSha256: string): Promise<void> {
  await database
    .updateTable('seram_sessions')
    .set({ secret_sha256: secretSha256 })
    .where('handle', '=', handle)
    .execute();
}

/**
 * Reads a session, has it changed, and keeps what came out, one request at a time. Every change rings its bells.
 *
 * @param by its secret's SHA-256, or its handle
 * @returns undefined when there is none
 */
export async function changeSession<Body, T>(
  database: Database,
  by: { readonly secretSha256: string } | { readonly handle: string },
  act: (row: SessionRow<Body>, now: number) => SessionChange<Body, T>,
): Promise<T | undefined> {
  const [column, value] =
    'handle' in by ? (['handle', by.handle] as const) : (['secret_sha256', by.secretSha256] as const);
  return database.transaction().execute(async (transaction) => {
    const row = await transaction
      .selectFrom('seram_sessions')
      .select(['handle', 'action_id', 'card', 'body'])
      .where(column, '=', value)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { handle, action_id: actionId, card } = row;
    const now = await databaseNow(transaction);
    const change = act({ handle, actionId, card, body: row.body as Body }, now);
    if (change.body === undefined) return change.value;
    await transaction
      .updateTable('seram_sessions')
      .set({ body: JSON.stringify(change.body), over: change.over })
      .where('handle', '=', handle)
      .execute();
    const bells = [sessionBell(handle), cardBell(card)];
    await sql`SELECT pg_notify(${BELL_CHANNEL}, bell) FROM unnest(${bells}::text[]) bell`.execute(transaction);
    return change.value;
  });
}
