// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type Renewal } from '../../wire/message/platform.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { RenewalTables } from './renewal-table.ts';
import type { ProviderTables } from './schema.ts';

/** Products of cards that others replace, on their way to the new card. */

type Database = Kysely<ProviderTables>;

/** One that is agreed, with all that its deployment needs. */
export interface DueRenewal {
  readonly instanceId: string;
  readonly productId: string;
  readonly newCard: CardId;
  readonly versionTag: string | undefined;
  readonly suspended: boolean;
  readonly reader: { readonly terminalId: string; readonly readerName: string } | undefined;
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
    INSERT INTO renewals (instance_id, product_id, old_card, new_card, version_tag, suspended, state)
    SELECT old.instance_id, old.product_id, old.card, ${card}, version_tag, old.suspended,
      CASE WHEN EXISTS (SELECT 1 FROM service_instances AS there
          WHERE there.card = ${card} AND there.product_id = old.product_id)
        OR EXISTS (SELECT 1 FROM renewals AS other WHERE other.new_card = ${card}
          AND other.product_id = old.product_id AND other.state IN ('waiting', 'agreed'))
      THEN 'taken' ELSE 'waiting' END
    FROM service_instances AS old LEFT JOIN service_deployments USING (instance_id)
    WHERE old.instance_id = ANY(${[...instanceIds]}::text[]) AND old.state = ANY(${deployed}::int[])
      AND old.card <> ${card}
    ON CONFLICT DO NOTHING`.execute(transaction);
}

/**
 * Somebody holds both cards: what waits of this product may go from one of them onto another, and what is agreed is
 * looked after at once.
 *
 * @returns whether there is such a renewal
 */
export async function agreeForHolder(
  database: Database,
  productId: string,
  cards: readonly CardId[],
): Promise<boolean> {
  const names = cards.map(cardIdText);
  const { rows } = await sql`
    UPDATE renewals SET state = 'agreed', due_at = least(due_at, now()), looks = 0
    WHERE product_id = ${productId} AND old_card = ANY(${names}::text[]) AND new_card = ANY(${names}::text[])
      AND state IN ('waiting', 'agreed') RETURNING 1`.execute(database);
  return rows.length > 0;
}

/** As above at an operator's word, also for one that was given up. @returns undefined for one that is none of these */
export async function agreeToRenewal(
  database: Database,
  instanceId: string,
  reader: { readonly terminalId: string; readonly readerName: string } | undefined,
): Promise<Renewal | undefined> {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET state = 'agreed', due_at = now(), looks = 0, reason = NULL,
      terminal_id = ${reader?.terminalId ?? null}, reader_name = ${reader?.readerName ?? null}
    WHERE instance_id = ${instanceId} AND state IN ('waiting', 'agreed', 'failed') RETURNING *`.execute(database);
  return rows[0] === undefined ? undefined : toRenewal(rows[0]);
}

export async function findRenewal(database: Database, instanceId: string): Promise<Renewal | undefined> {
  const row = await database
    .selectFrom('renewals')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row === undefined ? undefined : toRenewal(row);
}

/** The newest first. */
export async function listRenewals(database: Database, limit: number): Promise<Renewal[]> {
  const rows = await database
    .selectFrom('renewals')
    .selectAll()
    .orderBy('at', 'desc')
    .orderBy('instance_id')
    .limit(limit)
    .execute();
  return rows.map(toRenewal);
}

/** Takes those that are due, for so long: nobody else works on them meanwhile, and whoever took them may die. */
export async function claimRenewals(
  database: Database,
  { claimMs, atOnce }: { readonly claimMs: number; readonly atOnce: number },
): Promise<DueRenewal[]> {
  const { rows } = await sql<Selectable<RenewalTables['renewals']>>`
    UPDATE renewals SET due_at = now() + ${claimMs} * interval '1 millisecond'
    WHERE instance_id IN (SELECT instance_id FROM renewals WHERE state = 'agreed' AND due_at <= now()
      ORDER BY due_at LIMIT ${atOnce} FOR UPDATE SKIP LOCKED) RETURNING *`.execute(database);
  return rows.map((row) => ({
    ...{ instanceId: row.instance_id, productId: row.product_id, newCard: cardIdOfText(row.new_card) },
    ...{ versionTag: row.version_tag ?? undefined, suspended: row.suspended },
    ...{ attempts: row.attempts, looks: row.looks },
    reader:
      row.terminal_id === null || row.reader_name === null
        ? undefined
        : { terminalId: row.terminal_id, readerName: row.reader_name },
  }));
}

/** How far one has come: its end, or when it is looked at again. */
export async function settleRenewal(
  database: Database,
  instanceId: string,
  change: {
    readonly state: 'agreed' | 'done' | 'failed';
    readonly pauseMs: number;
    readonly attempts: number;
    readonly looks: number;
    readonly reason?: string;
  },
): Promise<void> {
  await database
    .updateTable('renewals')
    .set({
      ...{ state: change.state, attempts: change.attempts, looks: change.looks },
      due_at: sql<Date>`now() + ${change.pauseMs} * interval '1 millisecond'`,
      reason: change.reason?.slice(0, 300) ?? null,
    })
    .where('instance_id', '=', instanceId)
    .where('state', '=', 'agreed')
    .execute();
}

const toRenewal = (row: Selectable<RenewalTables['renewals']>): Renewal => ({
  ...{ instanceId: row.instance_id, productId: row.product_id, state: row.state, attempts: row.attempts },
  ...{ oldCard: cardIdOfText(row.old_card), newCard: cardIdOfText(row.new_card) },
  ...(row.reason === null ? {} : { reason: row.reason }),
  at: new Date(row.at).toISOString(),
});
