// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { CardProduct, LossReport, ProductState, RegisteredProduct } from '../../wire/message/platform.ts';
import { cardIdText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** Products, which cards have them in which state, permits to load them, and loss reports. */

type Database = Kysely<IssuerTables>;

export async function putProduct(database: Database, productId: string, providerId: string): Promise<void> {
  const row = await database
    .insertInto('products')
    .values({ product_id: productId, provider_id: providerId })
    .onConflict((conflict) =>
      conflict
        .column('product_id')
        .doUpdateSet({ provider_id: providerId })
        .where('products.provider_id', '=', providerId),
    )
    .returning('product_id')
    .executeTakeFirst();
  if (row === undefined) throw new ConflictError('product-taken', `${productId} is another provider's product`);
}

/** In the order of their names. @param after the last of the page before */
export async function listProducts(
  database: Database,
  { limit, after = '' }: { readonly limit: number; readonly after?: string },
): Promise<RegisteredProduct[]> {
  const rows = await database
    .selectFrom('products')
    .selectAll()
    .where('product_id', '>', after)
    .orderBy('product_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ productId: row.product_id, providerId: row.provider_id }));
}

export async function providerOfProduct(database: Database, productId: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('products')
    .select('provider_id')
    .where('product_id', '=', productId)
    .executeTakeFirst();
  return row?.provider_id;
}

/**
 * This provider's product has left the card; another one's stays. A loss that was reported stays too: what comes back
 * to this card is not valid by that.
 */
export async function forgetCardProduct(
  database: Database,
  cardId: CardId,
  { productId, providerId }: { readonly productId: string; readonly providerId: string },
): Promise<void> {
  await database
    .deleteFrom('card_products')
    .where('card', '=', cardIdText(cardId))
    .where('product_id', '=', productId)
    .where('product_id', 'in', (products) =>
      products.selectFrom('products').select('product_id').where('provider_id', '=', providerId),
    )
    .where('state', '=', 'VALID')
    .execute();
}

/** Products of a card with their private attribute. */
export async function listCardProducts(database: Database, cardId: CardId): Promise<CardProduct[]> {
  const rows = await database
    .selectFrom('card_products')
    .innerJoin('products', 'products.product_id', 'card_products.product_id')
    .select(['card_products.product_id', 'card_products.state', 'products.provider_id'])
    .where('card_products.card', '=', cardIdText(cardId))
    .orderBy('card_products.product_id')
    .limit(1_000)
    .execute();
  return rows.map((row) => ({ productId: row.product_id, providerId: row.provider_id, state: row.state }));
}

/**
 * Lets a provider load this product for a time: it is valid, and its card in service.
 *
 * @throws NotFoundError `product-not-on-card` @throws ConflictError `product-not-valid`, `card-not-in-service`
 */
export async function takePermit(
  database: Database,
  permit: { readonly permitId: string; readonly cardId: CardId; readonly productId: string; readonly validMs: number },
): Promise<void> {
  const card = cardIdText(permit.cardId);
  await database.transaction().execute(async (transaction) => {
    // A loss report and a move of the card wait for these rows, and we for them; the card's is the first for all.
    const row = await transaction
      .selectFrom('cards')
      .innerJoin('card_products', 'card_products.card', 'cards.card')
      .select(['card_products.state', 'cards.state as card_state'])
      .where('cards.card', '=', card)
      .where('product_id', '=', permit.productId)
      .forShare()
      .executeTakeFirst();
    if (row === undefined)
      throw new NotFoundError('product-not-on-card', 'The issuer knows no such product on this card');
    if (row.state !== 'VALID') {
      throw new ConflictError('product-not-valid', `The product is ${row.state} on this card: nothing is loaded`, {
        state: row.state,
      });
    }
    if (row.card_state !== 'NEW' && row.card_state !== 'ACTIVE') {
      throw new ConflictError('card-not-in-service', `The issuer says that this card is ${row.card_state}`, {
        state: row.card_state,
      });
    }
    // Those of providers that died are over, and nobody brings them back.
    await transaction
      .deleteFrom('load_permits')
      .where('card', '=', card)
      .where('expires_at', '<', sql<Date>`now()`)
      .execute();
    const until = sql<Date>`now() + ${permit.validMs} * interval '1 millisecond'`;
    await transaction
      .insertInto('load_permits')
      .values({ permit_id: permit.permitId, card, product_id: permit.productId, expires_at: until })
      .onConflict((conflict) => conflict.column('permit_id').doUpdateSet({ expires_at: until }))
      .execute();
  });
}

export async function releasePermit(database: Database, permitId: string): Promise<void> {
  await database.deleteFrom('load_permits').where('permit_id', '=', permitId).execute();
}

/** Permits of this card that are not given back and not over. */
export async function countPermits(database: Database, cardId: CardId): Promise<number> {
  const row = await database
    .selectFrom('load_permits')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('card', '=', cardIdText(cardId))
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * Moves products of a card and tells their providers, in the caller's transaction, which holds the row of the card:
 * their numbers have no gaps. Those that stand there stay. One statement, however many they are.
 */
export async function moveProducts(
  transaction: Database,
  card: string,
  productIds: readonly string[],
  to: ProductState,
): Promise<void> {
  await moveStatement(card, productIds, to).execute(transaction);
}

/**
 * The statement of `moveProducts`. The update names its rows by the list and not by what was read before: joined with
 * that, a planner whose statistics are from a time with few products compares each row with each.
 */
export function moveStatement(card: string, productIds: readonly string[], to: ProductState): RawBuilder<unknown> {
  const moving = sql`on_card.card = ${card} AND on_card.product_id = ANY(${[...productIds]}::text[])
        AND on_card.state <> ${to} AND on_card.state <> 'TERMINATED'`;
  return sql`
    WITH before AS (
      SELECT on_card.product_id, on_card.state, products.provider_id
      FROM card_products AS on_card JOIN products ON products.product_id = on_card.product_id
      WHERE ${moving}
      ORDER BY on_card.product_id FOR UPDATE OF on_card
    ), moved AS (
      UPDATE card_products AS on_card SET state = ${to} WHERE ${moving}
    ), last AS (
      SELECT provider_id, max(sequence) AS sequence FROM outbox WHERE card = ${card}
        AND provider_id IN (SELECT provider_id FROM before) GROUP BY provider_id
    )
    INSERT INTO outbox (provider_id, card, sequence, product_id, from_state, to_state, at)
    SELECT before.provider_id, ${card}, coalesce(last.sequence, 0)
        + row_number() OVER (PARTITION BY before.provider_id ORDER BY before.product_id),
      before.product_id, before.state, ${to}, clock_timestamp()
    FROM before LEFT JOIN last ON last.provider_id = before.provider_id
    ORDER BY before.product_id`;
}

/**
 * Opens a report and makes the products invalid, in one transaction; the same id again changes nothing.
 *
 * @throws NotFoundError `card-unknown`, `product-not-on-card`
 */
export async function openLossReport(
  database: Database,
  report: {
    readonly id: string;
    readonly cardId: CardId;
    readonly productIds?: readonly string[];
    readonly reason: string;
    readonly reportedBy: string;
  },
): Promise<void> {
  const card = cardIdText(report.cardId);
  await database.transaction().execute(async (transaction) => {
    // One report of a card at a time: changes get their numbers in this order.
    const known = await transaction
      .selectFrom('cards')
      .select('card')
      .where('card', '=', card)
      .forUpdate()
      .executeTakeFirst();
    if (known === undefined) throw new NotFoundError('card-unknown', 'The issuer does not know this card');
    const added = await transaction
      .insertInto('loss_reports')
      .values({
        id: report.id,
        card,
        reason: report.reason,
        reported_by: report.reportedBy,
        state: 'open',
        all_products: report.productIds === undefined,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (added === undefined) return;
    const there = await transaction.selectFrom('card_products').select('product_id').where('card', '=', card).execute();
    const onCard = new Set(there.map((row) => row.product_id));
    const wanted = report.productIds ?? [...onCard];
    const missing = wanted.find((productId) => !onCard.has(productId));
    if (missing !== undefined) throw new NotFoundError('product-not-on-card', `The card has no product ${missing}`);
    if (wanted.length === 0) return;
    await sql`
      INSERT INTO loss_report_products (report_id, product_id)
      SELECT ${report.id}, unnest(${[...wanted]}::text[])`.execute(transaction);
    await moveProducts(transaction, card, wanted, 'INVALID');
  });
}

/** Closes a report; products that no other open report names are valid again. False when there is no such report. */
export async function closeLossReport(database: Database, id: string): Promise<boolean> {
  return database.transaction().execute(async (transaction) => {
    const report = await transaction.selectFrom('loss_reports').selectAll().where('id', '=', id).executeTakeFirst();
    if (report === undefined) return false;
    const card = await transaction
      .selectFrom('cards')
      .select('state')
      .where('card', '=', report.card)
      .forUpdate()
      .executeTakeFirst();
    const closed = await transaction
      .updateTable('loss_reports')
      .set({ state: 'closed' })
      .where('id', '=', id)
      .where('state', '=', 'open')
      .returning('id')
      .executeTakeFirst();
    if (closed === undefined) return true;
    const { rows } = await sql<{ product_id: string }>`
      SELECT product_id FROM loss_report_products WHERE report_id = ${id} AND product_id NOT IN (
        SELECT product_id FROM loss_report_products JOIN loss_reports ON loss_reports.id = report_id
        WHERE card = ${report.card} AND state = 'open')`.execute(transaction);
    const free = rows.map((row) => row.product_id);
    // What the issuer has blocked stays so: the card itself was found, no more.
    const to = card?.state === 'BLOCKED' ? 'SUSPENDED' : 'VALID';
    if (free.length > 0) await moveProducts(transaction, report.card, free, to);
    return true;
  });
}

export async function findLossReport(
  database: Database,
  id: string,
  cardIdOf: (card: string) => CardId,
): Promise<LossReport | undefined> {
  const report = await database.selectFrom('loss_reports').selectAll().where('id', '=', id).executeTakeFirst();
  if (report === undefined) return undefined;
  const products = await database
    .selectFrom('loss_report_products')
    .select('product_id')
    .where('report_id', '=', id)
    .execute();
  const productIds = products.map((row) => row.product_id).sort();
  const waiting =
    productIds.length === 0
      ? undefined
      : await database
          .selectFrom('outbox')
          .select('event_id')
          .where('card', '=', report.card)
          .where(sql<boolean>`product_id = ANY(${productIds}::text[])`)
          .where('delivered_at', 'is', null)
          .limit(1)
          .executeTakeFirst();
  return { id, cardId: cardIdOf(report.card), state: report.state, productIds, synchronised: waiting === undefined };
}
