// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { PolicyError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductState } from '../../wire/message/platform.ts';
import { cardIdText } from '../card-id.ts';
import { moveProducts } from './card-products.ts';
import type { IssuerTables } from './schema.ts';
import { lockCard } from './secure-elements.ts';

/** What comes onto cards: nothing where a loss is reported, and a product that came all the same is not valid. */

type Database = Kysely<IssuerTables>;

/** @throws PolicyError `card-reported` while a loss report of this card is open */
export async function requireNotReported(database: Database, cardId: CardId): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM loss_reports WHERE card = ${cardIdText(cardId)} AND state = 'open' LIMIT 1`.execute(database);
  if (rows.length > 0) throw new PolicyError('card-reported', 'This card is reported lost: nothing comes onto it');
}

/**
 * The product is on the card; its state stays where it was there before. One that is new is INVALID where a report of
 * the whole card came meanwhile, which then names it too, and SUSPENDED on a card that the issuer blocked: its provider
 * hears of that.
 *
 * @returns the state of the product
 * @throws NotFoundError `card-unknown`
 */
export async function recordCardProduct(database: Database, cardId: CardId, productId: string): Promise<ProductState> {
  const card = cardIdText(cardId);
  return database.transaction().execute(async (transaction) => {
    // Whoever reports the card or moves it waits for this row, and we for him.
    const cardState = await lockCard(transaction, card);
    const added = await transaction
      .insertInto('card_products')
      .values({ card, product_id: productId, state: 'VALID' })
      .onConflict((conflict) => conflict.doNothing())
      .returning('state')
      .executeTakeFirst();
    const state = added === undefined ? undefined : await stateOfArrival(transaction, { card, productId, cardState });
    if (state !== undefined && state !== 'VALID') await moveProducts(transaction, card, [productId], state);
    const row = await transaction
      .selectFrom('card_products')
      .select('state')
      .where('card', '=', card)
      .where('product_id', '=', productId)
      .executeTakeFirstOrThrow();
    return row.state;
  });
}

async function stateOfArrival(
  transaction: Database,
  { card, productId, cardState }: { readonly card: string; readonly productId: string; readonly cardState: string },
): Promise<ProductState> {
  await sql`
    INSERT INTO loss_report_products (report_id, product_id)
    SELECT id, ${productId} FROM loss_reports WHERE card = ${card} AND state = 'open' AND all_products
    ON CONFLICT DO NOTHING`.execute(transaction);
  const { rows } = await sql`
    SELECT 1 FROM loss_report_products JOIN loss_reports ON loss_reports.id = report_id
    WHERE card = ${card} AND state = 'open' AND product_id = ${productId} LIMIT 1`.execute(transaction);
  if (rows.length > 0) return 'INVALID';
  if (cardState === 'BLOCKED') return 'SUSPENDED';
  return cardState === 'NEW' || cardState === 'ACTIVE' ? 'VALID' : 'TERMINATED';
}
