// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import { WorkflowError } from '../../errors.ts';
import type { Ledger, Load, LoadFilter } from '../../wire/message/platform.ts';
import type { Purchase } from '../../wire/message/purse.ts';
import type { ProviderTables } from './schema.ts';

/**
 * Money on its way to purses: a load is reserved before the card can take it, and is done or reversed when the card has
 * said so under a MAC. At most one load of a purse is open.
 */

type Database = Kysely<ProviderTables>;

/** SQLSTATE. */
const UNIQUE_VIOLATION = '23505';

export interface OpenLoad {
  readonly loadId: string;
  readonly topUpId: string;
  readonly serial: string;
  /** Cents. */
  readonly amount: number;
  readonly balanceBefore: number;
  readonly counter: number;
  readonly terminal: string;
  readonly dateTime: string;
}

/** Books a load as reserved. @returns its id, undefined while another load of this purse is open */
export async function reserveLoad(database: Database, load: Omit<OpenLoad, 'loadId'>): Promise<string | undefined> {
  const row = await database
    .insertInto('loads')
    .values({
      top_up_id: load.topUpId,
      serial: load.serial,
      amount: load.amount,
      balance_before: load.balanceBefore,
      counter: load.counter,
      terminal: load.terminal,
      date_time: load.dateTime,
      state: 'reserved' as const,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('load_id')
    .executeTakeFirst();
  return row?.load_id;
}

export async function findOpenLoad(database: Database, serial: string): Promise<OpenLoad | undefined> {
  const row = await database
    .selectFrom('loads')
    .selectAll()
    .where('serial', '=', serial)
    .where('state', '=', 'reserved')
    .executeTakeFirst();
  return row === undefined ? undefined : toLoad(row);
}

/** In the order in which they were begun. @param after id of the last of the page before */
export async function listLoads(
  database: Database,
  { filter, limit, after = '0' }: { readonly filter: LoadFilter; readonly limit: number; readonly after?: string },
): Promise<Load[]> {
  const wanted = database.selectFrom('loads').selectAll().where('load_id', '>', after);
  const rows = await (filter === 'reserved'
    ? wanted.where('state', '=', 'reserved')
    : wanted.where('state', '=', 'done').where('tac', 'is', null)
  )
    .orderBy('load_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    loadId: row.load_id,
    topUpId: row.top_up_id,
    serial: row.serial,
    amount: Number(row.amount),
    state: row.state,
    counter: row.counter,
    at: row.at.toISOString(),
    ...(row.settled_at === null ? {} : { settledAt: row.settled_at.toISOString() }),
  }));
}

/** The load of this top-up that is done. */
export async function findDoneLoad(
  database: Database,
  topUpId: string,
): Promise<(OpenLoad & { readonly tac?: string }) | undefined> {
  const row = await database
    .selectFrom('loads')
    .selectAll()
    .where('top_up_id', '=', topUpId)
    .where('state', '=', 'done')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { ...toLoad(row), ...(row.tac === null ? {} : { tac: row.tac }) };
}

/**
 * The card has said what became of an open load. One that is settled stays so, but for a TAC: it is the card's word
 * that this very load has happened, whatever was thought before.
 *
 * @throws WorkflowError `load-booked` when another load of its counter, or of its top-up, is done already
 */
export async function settleLoad(
  database: Database,
  loadId: string,
  end: { readonly state: 'done'; readonly tac?: string } | { readonly state: 'reversed' },
): Promise<void> {
  const settled = database
    .updateTable('loads')
    .set({ state: end.state, tac: end.state === 'done' ? (end.tac ?? null) : null, settled_at: sql<Date>`now()` })
    .where('load_id', '=', loadId)
    .where('state', 'in', end.state === 'done' && end.tac !== undefined ? ['reserved', 'reversed'] : ['reserved']);
  try {
    await settled.execute();
  } catch (error) {
    if (Object(error).code !== UNIQUE_VIOLATION) throw error;
    throw new WorkflowError(
      'load-booked',
      'Another load is booked in the place of this one: compare both with the purse, and settle it by hand',
      { loadId },
      error,
    );
  }
}

/** The card counts each load once: has it counted another one under this counter? */
export async function isCounterBooked(
  database: Database,
  { serial, counter }: Pick<OpenLoad, 'serial' | 'counter'>,
): Promise<boolean> {
  const row = await database
    .selectFrom('loads')
    .select('load_id')
    .where('serial', '=', serial)
    .where('counter', '=', counter)
    .where('state', '=', 'done')
    .executeTakeFirst();
  return row !== undefined;
}

/** What the purse said of itself under a MAC that verified. A later counter is never replaced by an earlier one. */
export async function recordReading(
  database: Database,
  reading: { readonly serial: string; readonly balance: number; readonly counter: number },
): Promise<void> {
  const { serial, balance, counter } = reading;
  await database
    .insertInto('purse_readings')
    .values({ serial, balance, counter })
    .onConflict((conflict) =>
      conflict
        .column('serial')
        .doUpdateSet({ balance, counter, at: sql<Date>`now()` })
        .where('purse_readings.counter', '<=', counter),
    )
    .execute();
}

/**
 * Books a purchase whose TAC has verified, once. False when this terminal has brought another one under this counter.
 */
export async function recordPurchase(database: Database, purchase: Omit<Purchase, 'productId'>): Promise<boolean> {
  const { serial, terminal, terminalCounter, amount, dateTime, tac } = purchase;
  await database
    .insertInto('purchases')
    .values({ serial, terminal, terminal_counter: terminalCounter, amount, date_time: dateTime, tac })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const known = await database
    .selectFrom('purchases')
    .select('tac')
    .where('serial', '=', serial)
    .where('terminal', '=', terminal)
    .where(sql<boolean>`terminal_counter = ${terminalCounter}`)
    .executeTakeFirst();
  return known?.tac === tac;
}

/**
 * Equal: nothing is open, the purse counts the loads that were booked, and holds what they leave after the purchases.
 */
export async function ledgerOf(database: Database, serial: string): Promise<Ledger> {
  const { rows } = await sql<{ platform: string; loads: string; open: string }>`
    SELECT coalesce(sum(amount) FILTER (WHERE state = 'done'), 0) AS platform,
      count(*) FILTER (WHERE state = 'done') AS loads, count(*) FILTER (WHERE state = 'reserved') AS open
    FROM loads WHERE serial = ${serial}`.execute(database);
  const spent = await sql<{ purchases: string }>`
    SELECT coalesce(sum(amount), 0) AS purchases FROM purchases WHERE serial = ${serial}`.execute(database);
  const reading = await database
    .selectFrom('purse_readings')
    .selectAll()
    .where('serial', '=', serial)
    .executeTakeFirst();
  const [loaded = 0, loads = 0, open = 0] = [rows[0]?.platform, rows[0]?.loads, rows[0]?.open].map(Number);
  const purchases = Number(spent.rows[0]?.purchases ?? 0);
  const platform = loaded - purchases;
  const equal =
    reading !== undefined && open === 0 && Number(reading.balance) === platform && reading.counter === loads;
  return {
    serial,
    platform,
    loads,
    purchases,
    open,
    equal,
    ...(reading === undefined
      ? {}
      : { card: { balance: Number(reading.balance), counter: reading.counter, at: reading.at.toISOString() } }),
  };
}

const toLoad = (row: Selectable<ProviderTables['loads']>): OpenLoad => ({
  loadId: row.load_id,
  topUpId: row.top_up_id,
  serial: row.serial,
  amount: Number(row.amount),
  balanceBefore: Number(row.balance_before),
  counter: row.counter,
  terminal: row.terminal,
  dateTime: row.date_time,
});
