// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Renewal } from '../../wire/message/platform.ts';
import { recordPurchase } from './loads.ts';
import type { PurseMoveTables } from './purse-move-table.ts';
import type { ProviderTables } from './schema.ts';

/**
 * The balance of a purse on a card that was replaced, on its way to the purse on the new one: taken off by a purchase
 * of the provider's own, which the card's TAC proves, and put on by a load that is paid once. No row: it is where it
 * was.
 */

type Database = Kysely<ProviderTables>;

/** What the loads that pay a balance go by begins so, and ends with the instance's id: no caller's key is like it. */
export const PAYMENTS = 'renewal ';

/** Each terminal id is used for one purchase. */
export const MOVE_TERMINAL_COUNTER = 1;

export interface Debit {
  readonly instanceId: string;
  readonly serial: string;
  /** Cents: the whole balance. */
  readonly amount: number;
  readonly counter: number;
  readonly offlineCounter: number;
  readonly terminal: string;
  readonly dateTime: string;
}

export type PurseMove = Debit & { readonly state: PurseMoveTables['purse_moves']['state'] };

export async function findPurseMove(database: Database, instanceId: string): Promise<PurseMove | undefined> {
  const row = await database
    .selectFrom('purse_moves')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row === undefined ? undefined : toMove(row);
}

/** Notes a debit before the card can make it. @returns false where there is one, or it was made */
export async function reserveDebit(database: Database, debit: Debit): Promise<boolean> {
  return addMove(database, { ...debit, state: 'debiting' });
}

/** The purse has said under a MAC that nothing is in it. */
export async function recordEmpty(database: Database, found: Omit<Debit, 'amount'>): Promise<void> {
  await addMove(database, { ...found, amount: 0, state: 'empty' });
}

async function addMove(database: Database, move: PurseMove): Promise<boolean> {
  const { instanceId, serial, state, amount, counter, offlineCounter, terminal, dateTime } = move;
  const added = await database
    .insertInto('purse_moves')
    .values({
      instance_id: instanceId,
      serial,
      state,
      amount,
      counter,
      terminal,
      offline_counter: offlineCounter,
      date_time: dateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('instance_id')
    .executeTakeFirst();
  return added !== undefined;
}

/** The card has not made this debit, and never will. */
export async function forgetDebit(database: Database, { instanceId, terminal }: Debit): Promise<void> {
  await database
    .deleteFrom('purse_moves')
    .where('instance_id', '=', instanceId)
    .where('terminal', '=', terminal)
    .where('state', '=', 'debiting')
    .execute();
}

/**
 * Its TAC has verified: it is a purchase of the old purse, and owed to the new one. Once; and the reader of the old
 * card is not the one in which it is paid.
 */
export async function settleDebit(database: Database, debit: Debit, tac: string): Promise<void> {
  const { instanceId, serial, amount, terminal, dateTime } = debit;
  await database.transaction().execute(async (transaction) => {
    const settled = await transaction
      .updateTable('purse_moves')
      .set({ state: 'debited', tac, at: sql<Date>`now()` })
      .where('instance_id', '=', instanceId)
      .where('terminal', '=', terminal)
      .where('state', '=', 'debiting')
      .returning('instance_id')
      .executeTakeFirst();
    if (settled === undefined) return;
    await sql`UPDATE renewals SET clear_terminal_id = NULL, clear_reader_name = NULL
      WHERE instance_id = ${instanceId}`.execute(transaction);
    await recordPurchase(transaction, {
      serial,
      amount,
      terminal,
      terminalCounter: MOVE_TERMINAL_COUNTER,
      dateTime,
      tac,
    });
  });
}

/** The load of this payment is done: nothing is owed any more. @returns false while it is not */
export async function settleCredit(database: Database, instanceId: string, paymentId: string): Promise<boolean> {
  const { rows } = await sql`
    UPDATE purse_moves SET state = 'credited', at = now() WHERE instance_id = ${instanceId} AND state = 'debited'
      AND EXISTS (SELECT 1 FROM loads WHERE top_up_id = ${paymentId} AND state = 'done') RETURNING 1`.execute(database);
  return rows.length > 0;
}

/** Whoever pays what is owed does so outside of this platform. @returns undefined where nothing is owed */
export async function giveUpBalance(database: Database, instanceId: string): Promise<Renewal['balance']> {
  const row = await database
    .updateTable('purse_moves')
    .set({ state: 'given-up', at: sql<Date>`now()` })
    .where('instance_id', '=', instanceId)
    .where('state', '=', 'debited')
    .returning('amount')
    .executeTakeFirst();
  return row === undefined ? undefined : { state: 'given-up', amount: Number(row.amount) };
}

/** What became of the balance of each of these, where its card was asked. */
export async function moneyOf(
  database: Database,
  instanceIds: readonly string[],
): Promise<ReadonlyMap<string, NonNullable<Renewal['balance']>>> {
  if (instanceIds.length === 0) return new Map();
  const isPaid = (state: 'reserved' | 'done') => sql<boolean>`EXISTS (SELECT 1 FROM loads
    WHERE loads.top_up_id = ${PAYMENTS} || purse_moves.instance_id AND loads.state = ${sql.lit(state)})`;
  const rows = await database
    .selectFrom('purse_moves')
    .select(['instance_id', 'state', 'amount', isPaid('reserved').as('open'), isPaid('done').as('done')])
    .where('instance_id', 'in', instanceIds)
    .execute();
  return new Map(
    rows.map(({ instance_id: id, state, amount, open, done }) => {
      const load = done ? ('done' as const) : ('reserved' as const);
      const isTold = (open || done) && (state === 'debited' || state === 'given-up');
      return [id, { state, amount: Number(amount), ...(isTold ? { load } : {}) }];
    }),
  );
}

const toMove = (row: Selectable<PurseMoveTables['purse_moves']>): PurseMove => ({
  instanceId: row.instance_id,
  serial: row.serial,
  state: row.state,
  amount: Number(row.amount),
  counter: row.counter,
  offlineCounter: row.offline_counter,
  terminal: row.terminal,
  dateTime: row.date_time,
});
