// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { CardLockTables } from './card-lock-table.ts';
import type { ProviderTables } from './schema.ts';

/** Instances of services whose applications are to be locked on a card that was reported lost, or free again. */

type Database = Kysely<ProviderTables>;

/** Of those that nothing is to be done about any more. */
const LOOK_AGAIN = sql`now() + interval '1 hour'`;
/** Seconds that a card rests after a try that failed: each one is a flow, and whoever has the card has it tried. */
const rest = (tries: number, refusals: number): number => {
  if (refusals >= FREE_TRIES) return HOPELESS_REST_S;
  return tries < FREE_TRIES ? 0 : Math.min(LONGEST_REST_S, FIRST_REST_S * 2 ** Math.min(tries - FREE_TRIES, 20));
};
/** That failed one after the other, or that the card refused. */
const FREE_TRIES = 6;
/** Whoever has the card can break the link whenever he likes. */
const FIRST_REST_S = 5;
const LONGEST_REST_S = 120;
/** Its domain or an application is gone. */
const HOPELESS_REST_S = 600;
const FREED: readonly number[] = [INSTANCE_STATE.ACTIVATED, INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];
/** What broke half way is locked as far as it is there; what mends it frees it. */
const LOCKED: readonly number[] = [...FREED, INSTANCE_STATE.IN_ERROR];
/** What the issuer says of the product, and what the card was made to be, or may be. */
const WANTED = sql`EXISTS (SELECT 1 FROM service_instances AS instance WHERE instance.instance_id = lock.instance_id
  AND ((instance.product_state = 'INVALID' AND lock.locked IS NOT TRUE
      AND instance.state = ANY(${[...LOCKED]}::int[]))
    OR (instance.product_state = 'VALID' AND lock.locked IS NOT FALSE
      AND instance.state = ANY(${[...FREED]}::int[]))))`;

/**
 * The products of these instances have moved, or what is on their card: what follows there is looked for from the
 * beginning.
 */
export async function addCardLocks(transaction: Database, instanceIds: readonly string[]): Promise<void> {
  await sql`
    INSERT INTO card_locks (instance_id, card)
    SELECT instance_id, card FROM service_instances JOIN service_deployments USING (instance_id)
    WHERE instance_id = ANY(${[...instanceIds]}::text[]) AND state = ANY(${[...LOCKED]}::int[])
      AND (product_state = 'INVALID' OR EXISTS (SELECT 1 FROM card_locks AS known
        WHERE known.instance_id = service_instances.instance_id))
    ON CONFLICT (instance_id) DO UPDATE SET due_at = now(), rest_until = now(), tries = 0,
      refusals = 0, looks = 0`.execute(transaction);
}

export interface DueLock {
  readonly instanceId: string;
  readonly card: CardId;
  /** What the card is to be made. */
  readonly lock: boolean;
  readonly turn: number;
  readonly tries: number;
  readonly refusals: number;
  readonly looks: number;
  /** Of the flow that is under way. */
  readonly reader: { readonly terminalId: string; readonly readerName: string } | undefined;
}

/**
 * Takes those that are due, for so long: nobody else works on them meanwhile, and whoever took them may die. Cards that
 * were said to be here come first. One of a card at a time: what runs in its reader goes on before the others begin.
 *
 * @param options.except cards that are worked on
 */
export async function claimCardLocks(
  database: Database,
  options: { readonly claimMs: number; readonly atOnce: number; readonly except?: Iterable<CardId> },
): Promise<DueLock[]> {
  const { claimMs, atOnce, except = [] } = options;
  const busy = Array.from(except, cardIdText);
  const order = (row: string) => sql.raw(`(${row}.terminal_id IS NULL, ${row}.due_at, ${row}.instance_id)`);
  await sql`UPDATE card_locks AS lock SET due_at = ${LOOK_AGAIN}, hurried = false
    WHERE due_at <= now() AND terminal_id IS NULL AND NOT ${WANTED}`.execute(database);
  const { rows } = await sql<Selectable<CardLockTables['card_locks']> & { readonly lost: boolean }>`
    UPDATE card_locks SET due_at = now() + ${claimMs} * interval '1 millisecond', waits = false, hurried = false
    WHERE instance_id IN (SELECT instance_id FROM card_locks AS lock WHERE due_at <= now()
      AND (terminal_id IS NOT NULL OR ${WANTED}) AND card <> ALL(${busy}::text[])
      AND NOT EXISTS (SELECT 1 FROM card_locks AS first WHERE first.card = lock.card AND first.due_at <= now()
        AND ${order('first')} < ${order('lock')})
      ORDER BY hurried DESC, due_at LIMIT ${atOnce} FOR UPDATE SKIP LOCKED)
    RETURNING *, EXISTS (SELECT 1 FROM service_instances AS instance
      WHERE instance.instance_id = card_locks.instance_id AND instance.product_state = 'INVALID') AS lost`.execute(
    database,
  );
  return rows.map((row) => ({
    instanceId: row.instance_id,
    card: cardIdOfText(row.card),
    lock: row.locking ?? row.lost,
    turn: row.turn,
    tries: row.tries,
    refusals: row.refusals,
    looks: row.looks,
    reader:
      row.terminal_id === null || row.reader_name === null
        ? undefined
        : { terminalId: row.terminal_id, readerName: row.reader_name },
  }));
}

/** Where the flow that begins is run, and what it makes of the card: it goes on there. */
export async function keepLockReader(
  database: Database,
  instanceId: string,
  {
    terminalId,
    readerName,
    lock,
  }: { readonly terminalId: string; readonly readerName: string; readonly lock: boolean },
): Promise<void> {
  await database
    .updateTable('card_locks')
    .set({ terminal_id: terminalId, reader_name: readerName, locking: lock })
    .where('instance_id', '=', instanceId)
    .execute();
}

/**
 * How far one has come: `underWay` goes on in its reader, `away` was not found; else a flow has ended. A card that was
 * said to be here while it was sought elsewhere, or while a flow broke, is looked for again at once, or when it has
 * rested.
 */
export async function settleCardLock(
  database: Database,
  instanceId: string,
  change: {
    readonly pauseMs: number;
    readonly tries: number;
    readonly refusals: number;
    readonly looks: number;
    readonly how: 'underWay' | 'away' | 'ended';
  },
): Promise<void> {
  const { pauseMs, tries, refusals, looks, how } = change;
  const pause = sql<Date>`now() + ${pauseMs} * interval '1 millisecond'`;
  const restUntil =
    how === 'ended' ? sql<Date>`now() + ${rest(tries, refusals)} * interval '1 second'` : sql<Date>`rest_until`;
  const due = sql<Date>`CASE WHEN hurried AND ${how} <> 'underWay'
    THEN least(${pause}, greatest(now(), ${restUntil})) ELSE ${pause} END`;
  const ended = { terminal_id: null, reader_name: null, locking: null, turn: sql<number>`turn + 1` };
  await database
    .updateTable('card_locks')
    .set({ due_at: due, rest_until: restUntil, tries, refusals, looks, waits: how !== 'underWay' })
    .$if(how === 'ended', (update) => update.set(ended))
    .where('instance_id', '=', instanceId)
    .execute();
}

/** With the end of what has switched its applications. */
export async function setCardLocked(database: Database, instanceId: string, locked: boolean): Promise<void> {
  await database.updateTable('card_locks').set({ locked }).where('instance_id', '=', instanceId).execute();
}

/**
 * What was to switch its applications broke: they may be either.
 *
 * @param whenLocked one that is known to be free stays so
 */
export async function setCardLockUnsure(
  database: Database,
  instanceId: string,
  { whenLocked }: { readonly whenLocked: boolean },
): Promise<void> {
  await database
    .updateTable('card_locks')
    .set({ locked: null })
    .where('instance_id', '=', instanceId)
    .$if(whenLocked, (update) => update.where('locked', '=', true))
    .execute();
}

/** True for an instance that the card still has, or may have, locked for a loss that was withdrawn. */
export async function isCardLocked(database: Database, instanceId: string): Promise<boolean> {
  const row = await database
    .selectFrom('card_locks')
    .select('locked')
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row !== undefined && row.locked !== false;
}

/**
 * A card is said to be here: what waits is looked for, or tried, at once, or when it has rested since its last try,
 * however often it is said. @returns how many
 */
export async function hurryCardLocks(database: Database, cards: readonly CardId[]): Promise<number> {
  const { rows } = await sql`
    UPDATE card_locks SET looks = 0, hurried = true,
      due_at = CASE WHEN waits THEN least(due_at, greatest(now(), rest_until)) ELSE due_at END
    WHERE card = ANY(${cards.map(cardIdText)}::text[]) RETURNING 1`.execute(database);
  return rows.length;
}
