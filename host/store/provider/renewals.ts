// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type Renewal } from '../../wire/message/platform.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import { giveUpBalance, moneyOf, PAYMENTS } from './purse-moves.ts';
import type { RenewalTables } from './renewal-table.ts';
import type { ProviderTables } from './schema.ts';

/** Products of cards that others replace, on their way to the new card. */

type Database = Kysely<ProviderTables>;

/** Nobody knows where the new card is: it is looked for again. */
export const CARD_AWAY = 'card-away';
const UNIQUE_VIOLATION = '23505';
/** Nothing can be taken off yet, or the product is wanted again. */
const PASSED_OVER = sql`interval '10 minutes'`;
/** One statement does not hold up the renewals that are at work. */
const PRUNED_AT_ONCE = 1_000;

/** Its balance was taken off the old card, and is not on the new one yet. */
const OWED = sql`EXISTS (SELECT 1 FROM purse_moves
  WHERE purse_moves.instance_id = renewals.instance_id AND purse_moves.state = 'debited')`;

/** Whoever has given it up looks here whether the card came after all. */
const IS_PAID = sql`EXISTS (SELECT 1 FROM loads
  WHERE loads.top_up_id = ${PAYMENTS} || renewals.instance_id AND loads.state IN ('reserved', 'done'))`;

/** True when another renewal that brings the product onto the card was agreed to in the same moment. */
export const isOtherAgreed = (error: unknown): boolean => Object(error).code === UNIQUE_VIOLATION;

interface Reader {
  readonly terminalId: string;
  readonly readerName: string;
}

/** One that is agreed, with all that its deployment needs. */
export interface DueRenewal {
  readonly instanceId: string;
  readonly productId: string;
  readonly newCard: CardId;
  readonly versionTag: string | undefined;
  readonly suspended: boolean;
  /** Of the attempt that is under way, or else the one that was named. */
  readonly reader: Reader | undefined;
  readonly attempts: number;
  readonly looks: number;
}

/**
 * Notes what was deployed among these instances for the new card, once: the first successor counts. Where the new card
 * has the product already, or another renewal brings it, nothing is brought.
 */
export async function addRenewals(
  transaction: Database,
  instanceIds: readonly string[],
  replacedBy: CardId,
): Promise<void> {
  const card = cardIdText(replacedBy);
  const deployed = [INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];
  await sql`
    INSERT INTO renewals (instance_id, product_id, old_card, new_card, version_tag, suspended, state, clear_at)
    SELECT old.instance_id, old.product_id, old.card, ${card}, version_tag, old.suspended,
      CASE WHEN taken THEN 'taken' ELSE 'waiting' END, CASE WHEN taken AND version_tag IS NOT NULL THEN now() END
    FROM service_instances AS old LEFT JOIN service_deployments USING (instance_id)
      CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM service_instances AS there
          WHERE there.card = ${card} AND there.product_id = old.product_id)
        OR EXISTS (SELECT 1 FROM renewals AS other WHERE other.new_card = ${card}
          AND other.product_id = old.product_id AND other.state = 'agreed') AS taken) AS successor
    WHERE old.instance_id = ANY(${[...instanceIds]}::text[]) AND old.state = ANY(${deployed}::int[])
      AND old.card <> ${card}
    ON CONFLICT DO NOTHING`.execute(transaction);
}

/**
 * Somebody holds all these cards: what waits of this service may go from one of them onto another, and what is agreed
 * and looked for is looked for at once. One that is under way, or that failed a moment ago, is left alone. Where two
 * would go onto one card, the older one does.
 *
 * @returns `agreed`, those that this is the word for; `due`, how many more are looked for at once
 */
export async function agreeForHolder(
  database: Database,
  productId: string,
  cards: readonly CardId[],
): Promise<{ readonly agreed: readonly Renewal[]; readonly due: number }> {
  const names = cards.map(cardIdText);
  const held = sql`product_id = ${productId} AND old_card = ANY(${names}::text[]) AND new_card = ANY(${names}::text[])`;
  const { rows: due } = await sql`
    UPDATE renewals SET due_at = least(due_at, now()), looks = 0
    WHERE ${held} AND state = 'agreed' AND reason = ${CARD_AWAY} RETURNING 1`.execute(database);
  const { rows: clearing } = await sql`
    UPDATE renewals SET clear_at = least(clear_at, now()), clear_looks = 0
    WHERE ${held} AND clear_away RETURNING 1`.execute(database);
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET state = 'agreed', due_at = now(), looks = 0
    WHERE state = 'waiting' AND instance_id IN (
      SELECT DISTINCT ON (new_card) instance_id FROM renewals AS one WHERE ${held} AND state = 'waiting'
        AND version_tag IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM renewals AS other WHERE other.new_card = one.new_card
          AND other.product_id = one.product_id AND other.state = 'agreed')
      ORDER BY new_card, at, instance_id) RETURNING *`.execute(database);
  return { agreed: rows.map(toRenewal), due: due.length + clearing.length };
}

/**
 * The same for one at an operator's word, also for one that was given up. One that is under way goes on as it is. Of a
 * purse that is on the new card, and whose old one is no longer looked for, the balance is looked for anew.
 *
 * @returns undefined for one that is none of these, `other` where another one brings this product onto that card
 */
export async function agreeToRenewal(
  database: Database,
  instanceId: string,
  reader: Reader | undefined,
): Promise<Renewal | 'other' | undefined> {
  const change = sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET state = 'agreed', looks = 0, reason = NULL,
      due_at = CASE WHEN state = 'agreed' AND reason IS NULL THEN due_at ELSE now() END,
      terminal_id = ${reader?.terminalId ?? null}, reader_name = ${reader?.readerName ?? null}
    WHERE instance_id = ${instanceId} AND state IN ('waiting', 'agreed', 'failed') RETURNING *`;
  try {
    const { rows } = await change.execute(database);
    const row = rows[0] ?? (await lookForBalance(database, instanceId));
    return row === undefined ? undefined : toRenewal(row);
  } catch (error) {
    if (isOtherAgreed(error)) return 'other';
    throw error;
  }
}

async function lookForBalance(database: Database, instanceId: string) {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET state = 'done', clear_at = now(), clear_until = NULL, clear_looks = 0
    WHERE instance_id = ${instanceId} AND version_tag IS NULL AND state IN ('done', 'taken') AND clear_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM purse_moves WHERE purse_moves.instance_id = renewals.instance_id
        AND purse_moves.state IN ('empty', 'credited', 'given-up')) RETURNING *`.execute(database);
  return rows[0];
}

/**
 * Forgets one that nothing is done for yet or any more.
 *
 * @returns undefined where there is none, or where it is under way or has come to its end
 */
export async function endRenewal(database: Database, instanceId: string): Promise<Renewal | undefined> {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    DELETE FROM renewals WHERE instance_id = ${instanceId} AND (state IN ('waiting', 'failed')
      OR (state = 'agreed' AND reason IS NOT NULL)) RETURNING *`.execute(database);
  return rows[0] === undefined ? undefined : toRenewal(rows[0]);
}

/** Where the attempt that begins is made: it goes on there. */
export async function keepReader(database: Database, instanceId: string, reader: Reader): Promise<void> {
  await database
    .updateTable('renewals')
    .set({ tried_terminal_id: reader.terminalId, tried_reader_name: reader.readerName })
    .where('instance_id', '=', instanceId)
    .execute();
}

export async function findRenewal(database: Database, instanceId: string): Promise<Renewal | undefined> {
  const row = await database
    .selectFrom('renewals')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row === undefined ? undefined : (await withBalances(database, [toRenewal(row)]))[0];
}

/** Of purses: what became of their money. */
async function withBalances(database: Database, renewals: readonly Renewal[]): Promise<Renewal[]> {
  const known = await moneyOf(
    database,
    renewals.map(({ instanceId }) => instanceId),
  );
  return renewals.map((renewal) => {
    const balance = known.get(renewal.instanceId);
    return balance === undefined ? renewal : { ...renewal, balance };
  });
}

export interface RenewalQuery {
  readonly limit: number;
  readonly state?: Renewal['state'];
  /** The old one or the new one: `iccid:8986..`. */
  readonly card?: string;
  readonly productId?: string;
  /** The last of the page before. */
  readonly after?: string;
}

/** The newest first. Behind one that is gone there is none. */
export async function listRenewals(database: Database, query: RenewalQuery): Promise<Renewal[]> {
  const { limit, state = null, card = null, productId = null, after = null } = query;
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    SELECT * FROM renewals WHERE (${state}::text IS NULL OR state = ${state})
      AND (${card}::text IS NULL OR ${card} IN (old_card, new_card))
      AND (${productId}::text IS NULL OR product_id = ${productId})
      AND (${after}::text IS NULL
        OR (at, instance_id) < (SELECT at, instance_id FROM renewals WHERE instance_id = ${after}))
    ORDER BY at DESC, instance_id DESC LIMIT ${limit}`.execute(database);
  return withBalances(database, rows.map(toRenewal));
}

/**
 * Forgets those that came to their good end more than so many days ago, a batch at a time. One that was given up stays:
 * an operator may agree to it anew, or end it. So does one whose old card has something left that is to be taken off,
 * or whose balance is between two cards.
 *
 * @returns how many
 */
export async function pruneRenewals(database: Database, days: number): Promise<number> {
  for (let total = 0; ; ) {
    const { numAffectedRows } = await sql`
      DELETE FROM renewals WHERE instance_id IN (SELECT instance_id FROM renewals WHERE state IN ('done', 'taken')
        AND clear_at IS NULL AND due_at < now() - ${days} * interval '1 day' AND NOT EXISTS (SELECT 1 FROM purse_moves
          WHERE purse_moves.instance_id = renewals.instance_id AND (purse_moves.state IN ('debiting', 'debited')
            OR (purse_moves.state = 'given-up' AND ${IS_PAID})))
        LIMIT ${PRUNED_AT_ONCE})`.execute(database);
    const gone = Number(numAffectedRows ?? 0);
    total += gone;
    if (gone < PRUNED_AT_ONCE) return total;
  }
}

/**
 * This card is said to be here: a new one that was away, an old one that something is to be taken off, or the one that
 * the balance of an old one is owed to, is looked for at once.
 *
 * @returns how many
 */
export async function hurryRenewals(database: Database, cardId: CardId): Promise<number> {
  const card = cardIdText(cardId);
  const { rows: due } = await sql`
    UPDATE renewals SET due_at = least(due_at, now()), looks = 0
    WHERE new_card = ${card} AND state = 'agreed' AND reason = ${CARD_AWAY} RETURNING 1`.execute(database);
  const { rows: clearing } = await sql`
    UPDATE renewals SET clear_at = least(clear_at, now()), clear_looks = 0
    WHERE ((old_card = ${card} AND NOT ${OWED}) OR (new_card = ${card} AND ${OWED})) AND clear_away
    RETURNING 1`.execute(database);
  return due.length + clearing.length;
}

/** Takes those that are due, for so long: nobody else works on them meanwhile, and whoever took them may die. */
export async function claimRenewals(
  database: Database,
  { claimMs, atOnce }: { readonly claimMs: number; readonly atOnce: number },
): Promise<DueRenewal[]> {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET due_at = now() + ${claimMs} * interval '1 millisecond', reason = NULL
    WHERE instance_id IN (SELECT instance_id FROM renewals WHERE state = 'agreed' AND due_at <= now()
      ORDER BY due_at LIMIT ${atOnce} FOR UPDATE SKIP LOCKED) RETURNING *`.execute(database);
  return rows.map((row) => ({
    instanceId: row.instance_id,
    productId: row.product_id,
    newCard: cardIdOfText(row.new_card),
    versionTag: row.version_tag ?? undefined,
    suspended: row.suspended,
    attempts: row.attempts,
    looks: row.looks,
    reader: readerOf(row.tried_terminal_id, row.tried_reader_name) ?? readerOf(row.terminal_id, row.reader_name),
  }));
}

const readerOf = (terminalId: string | null, readerName: string | null): Reader | undefined =>
  terminalId === null || readerName === null ? undefined : { terminalId, readerName };

/** How far one has come: its end, or when it is looked at again; with its attempt under way, its reader stays. */
export async function settleRenewal(
  database: Database,
  instanceId: string,
  change: {
    readonly state: 'agreed' | 'done' | 'failed';
    readonly pauseMs: number;
    readonly attempts: number;
    readonly looks: number;
    readonly reason?: string;
    readonly underWay?: boolean;
  },
): Promise<void> {
  await database
    .updateTable('renewals')
    .set({
      state: change.state,
      attempts: change.attempts,
      looks: change.looks,
      due_at: sql<Date>`now() + ${change.pauseMs} * interval '1 millisecond'`,
      ...(change.state === 'done' ? { clear_at: sql<Date>`now()` } : {}),
      reason: change.reason?.slice(0, 300) ?? null,
      ...(change.underWay === true ? {} : { tried_terminal_id: null, tried_reader_name: null }),
    })
    .where('instance_id', '=', instanceId)
    .where('state', '=', 'agreed')
    .execute();
}

/** What a service has left on an old card, or a purse of the provider's own. */
export interface DueClearing {
  readonly instanceId: string;
  readonly productId: string;
  readonly oldCard: CardId;
  readonly newCard: CardId;
  /** False for a purse of the provider's own. */
  readonly isService: boolean;
  /** Cents that were taken off the old purse, and are not on the new one yet. */
  readonly owed: number | undefined;
  /** Terminations that failed. */
  readonly tries: number;
  readonly looks: number;
  /** Of the termination that is under way. */
  readonly reader: Reader | undefined;
}

/**
 * Takes those whose old card is to be looked for, as `claimRenewals` does: what is TERMINATED there, or gone already,
 * once the new card has the product. Those of which this is not so yet are passed over for a while, in their time. Of
 * those that were looked for, or passed over, all their time, nothing is looked for any more. A purse is met at an
 * operator's word alone, while the new one may be loaded; what was taken off it is owed for as long as it takes, and to
 * the card that takes the new one's place once an operator has agreed to that.
 *
 * @param payments what the loads that pay a balance go by begins so, and ends with the instance's id
 */
export async function claimClearings(
  database: Database,
  options: {
    readonly claimMs: number;
    readonly atOnce: number;
    readonly giveUpMs: number;
    readonly payments: string;
  },
): Promise<DueClearing[]> {
  const { claimMs, atOnce, giveUpMs, payments } = options;
  const isPaid = (states: readonly string[]) => sql`EXISTS (SELECT 1 FROM loads
    WHERE loads.top_up_id = ${payments} || renewals.instance_id AND loads.state = ANY(${[...states]}::text[]))`;
  // A load that is open there may have been made: what becomes of it is for the balance of that card.
  await sql`UPDATE renewals SET new_card = next.new_card FROM renewals AS next
    WHERE renewals.clear_at <= now() AND renewals.clear_terminal_id IS NULL AND ${OWED}
      AND next.old_card = renewals.new_card AND next.product_id = renewals.product_id
      AND next.version_tag IS NULL AND next.state = 'done' AND next.new_card <> renewals.old_card
      AND NOT ${isPaid(['reserved', 'done'])}`.execute(database);
  const over = sql`(coalesce(renewals.clear_until <= now(), false) AND renewals.clear_terminal_id IS NULL
    AND NOT ${OWED})`;
  await sql`UPDATE renewals SET clear_at = NULL, clear_away = false
    WHERE clear_at <= now() AND ${over}`.execute(database);
  const deployed = [INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];
  const until = sql`coalesce(clear_until, now() + ${giveUpMs} * interval '1 millisecond')`;
  const there = (valid: RawBuilder<unknown>) => sql`EXISTS (SELECT 1 FROM service_instances AS there
    WHERE there.product_id = renewals.product_id AND there.card = renewals.new_card
      AND there.state = ANY(${deployed}::int[]) AND ${valid})`;
  const newIsValid = there(sql`there.product_state = 'VALID'`);
  const mayBePaid = sql`(${newIsValid} OR renewals.clear_terminal_id IS NOT NULL OR ${isPaid(['done'])})`;
  const mayGo = sql`((${OWED} AND ${mayBePaid}) OR (NOT EXISTS (SELECT 1 FROM service_instances AS old
      WHERE old.instance_id = renewals.instance_id AND old.product_state <> 'TERMINATED')
    AND (renewals.clear_terminal_id IS NOT NULL
      OR (renewals.version_tag IS NOT NULL AND (renewals.state = 'done' OR ${there(sql`true`)}))
      OR (renewals.version_tag IS NULL AND renewals.state = 'done' AND ${newIsValid}))))`;
  // As one that is away: whoever says that a card is here hurries it.
  await sql`UPDATE renewals SET clear_at = now() + ${PASSED_OVER}, clear_away = true, clear_until = ${until}
    WHERE instance_id IN (SELECT renewals.instance_id FROM renewals WHERE renewals.clear_at <= now()
      AND renewals.clear_terminal_id IS NULL AND NOT ${over} AND NOT ${mayGo} FOR UPDATE SKIP LOCKED)`.execute(
    database,
  );
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET clear_at = now() + ${claimMs} * interval '1 millisecond', clear_away = false,
      clear_until = ${until}
    WHERE instance_id IN (SELECT renewals.instance_id FROM renewals
      WHERE renewals.clear_at <= now() AND NOT ${over} AND ${mayGo}
      ORDER BY renewals.clear_at LIMIT ${atOnce} FOR UPDATE SKIP LOCKED) RETURNING *`.execute(database);
  const money = await moneyOf(
    database,
    rows.map((row) => row.instance_id),
  );
  const owedOf = (id: string) => (money.get(id)?.state === 'debited' ? money.get(id)?.amount : undefined);
  return rows.map((row) => ({
    instanceId: row.instance_id,
    productId: row.product_id,
    isService: row.version_tag !== null,
    oldCard: cardIdOfText(row.old_card),
    newCard: cardIdOfText(row.new_card),
    owed: owedOf(row.instance_id),
    tries: row.clear_tries,
    looks: row.clear_looks,
    reader: readerOf(row.clear_terminal_id, row.clear_reader_name),
  }));
}

/** Where the termination that begins is made: it goes on there. @returns false when it was ended meanwhile */
export async function keepClearingReader(database: Database, instanceId: string, reader: Reader): Promise<boolean> {
  const kept = await database
    .updateTable('renewals')
    .set({ clear_terminal_id: reader.terminalId, clear_reader_name: reader.readerName })
    .where('instance_id', '=', instanceId)
    .where('clear_at', 'is not', null)
    .returning('instance_id')
    .executeTakeFirst();
  return kept !== undefined;
}

/**
 * How far one has come. One that was ended meanwhile stays so.
 *
 * @param again absent: it is off
 */
export async function settleClearing(
  database: Database,
  instanceId: string,
  again?: {
    readonly tries: number;
    readonly looks: number;
    readonly pauseMs: number;
    readonly away?: boolean;
    readonly underWay?: boolean;
  },
): Promise<void> {
  const next = again === undefined ? null : sql<Date>`now() + ${again.pauseMs} * interval '1 millisecond'`;
  await database
    .updateTable('renewals')
    .set({
      clear_at: next,
      clear_away: again?.away ?? false,
      ...(again === undefined ? {} : { clear_tries: again.tries, clear_looks: again.looks }),
      ...(again?.underWay === true ? {} : { clear_terminal_id: null, clear_reader_name: null }),
    })
    .where('instance_id', '=', instanceId)
    .where('clear_at', 'is not', null)
    .execute();
}

/**
 * Lets what is left on the old card be, for good; the renewal stays as it is. What is owed is for a clerk then, and
 * never paid here.
 *
 * @param paymentId what a balance that is owed is paid by: a load of it that is open or done is waited for
 * @returns undefined where nothing is to be taken off, or a flow is under way; with the balance that is given up
 */
export async function endClearing(
  transaction: Database,
  instanceId: string,
  paymentId: string,
): Promise<Renewal | undefined> {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET clear_at = NULL, clear_away = false WHERE instance_id = ${instanceId}
      AND clear_at IS NOT NULL AND clear_terminal_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM loads WHERE top_up_id = ${paymentId} AND state IN ('reserved', 'done'))
    RETURNING *`.execute(transaction);
  return rows[0] === undefined ? undefined : givenUp(transaction, rows[0]);
}

async function givenUp(transaction: Database, row: Selectable<RenewalTables['renewals']>): Promise<Renewal> {
  const balance = await giveUpBalance(transaction, row.instance_id);
  return { ...toRenewal(row), ...(balance === undefined ? {} : { balance }) };
}

/**
 * The same while a load that pays what is owed is open, at somebody's word that its card never comes. The load stays
 * open in the ledger of its purse: whoever says so may be wrong.
 *
 * @returns undefined where no load is open, or a flow is under way; `in-service` while that card may be loaded
 */
export async function endLostClearing(
  transaction: Database,
  instanceId: string,
  paymentId: string,
): Promise<(Renewal & { readonly loadId: string; readonly serial: string }) | 'in-service' | undefined> {
  // Whoever settles it in this moment has done so before, or comes after.
  const { rows: open } = await sql<{ readonly load_id: string; readonly serial: string; readonly valid: boolean }>`
    SELECT load_id, serial, EXISTS (SELECT 1 FROM service_instances AS there
      WHERE there.serial = loads.serial AND there.product_state = 'VALID') AS valid
    FROM loads WHERE top_up_id = ${paymentId} AND state = 'reserved' FOR UPDATE`.execute(transaction);
  const [load] = open;
  if (load === undefined) return undefined;
  if (load.valid) return 'in-service';
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET clear_at = NULL, clear_away = false WHERE instance_id = ${instanceId}
      AND clear_at IS NOT NULL AND clear_terminal_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM loads WHERE top_up_id = ${paymentId} AND state = 'done')
    RETURNING *`.execute(transaction);
  if (rows[0] === undefined) return undefined;
  return { ...(await givenUp(transaction, rows[0])), loadId: load.load_id, serial: load.serial };
}

const toRenewal = (row: Selectable<RenewalTables['renewals']>): Renewal => ({
  instanceId: row.instance_id,
  productId: row.product_id,
  state: row.state,
  attempts: row.attempts,
  oldCard: cardIdOfText(row.old_card),
  newCard: cardIdOfText(row.new_card),
  ...(row.reason === null ? {} : { reason: row.reason }),
  ...(row.clear_at === null ? {} : { clearAt: new Date(row.clear_at).toISOString() }),
  at: new Date(row.at).toISOString(),
});
