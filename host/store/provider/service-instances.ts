// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type ProductStateChange, type ServiceInstance } from '../../wire/message/platform.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { ProviderTables } from './schema.ts';

/** Products on cards: one instance a product and card, with the private attribute that the issuer may change. */

type Database = Kysely<ProviderTables>;

/** The instance of this product on this card; made as not deployed, under this serial, where there is none. */
export async function provideInstance(
  database: Database,
  wanted: { readonly productId: string; readonly cardId: CardId; readonly instanceId: string; readonly serial: string },
): Promise<ServiceInstance> {
  const { productId, cardId, instanceId, serial } = wanted;
  await database
    .insertInto('service_instances')
    .values({
      ...{ instance_id: instanceId, product_id: productId, card: cardIdText(cardId), serial },
      ...{ state: INSTANCE_STATE.NOT_DEPLOYED, product_state: 'VALID' as const },
    })
    .onConflict((conflict) => conflict.columns(['product_id', 'card']).doNothing())
    .execute();
  const found = await findInstance(database, productId, cardId);
  if (found === undefined) throw new ConflictError('serial-taken', 'This serial belongs to another purse', { serial });
  return found;
}

export async function findInstance(
  database: Database,
  productId: string,
  cardId: CardId,
): Promise<ServiceInstance | undefined> {
  const row = await database
    .selectFrom('service_instances')
    .selectAll()
    .where('product_id', '=', productId)
    .where('card', '=', cardIdText(cardId))
    .executeTakeFirst();
  return row === undefined ? undefined : toInstance(row);
}

export async function findInstanceOfSerial(database: Database, serial: string): Promise<ServiceInstance | undefined> {
  const row = await database
    .selectFrom('service_instances')
    .selectAll()
    .where('serial', '=', serial)
    .executeTakeFirst();
  return row === undefined ? undefined : toInstance(row);
}

export async function listInstances(database: Database, limit = 1_000): Promise<ServiceInstance[]> {
  const rows = await database.selectFrom('service_instances').selectAll().orderBy('instance_id').limit(limit).execute();
  return rows.map(toInstance);
}

/** Deployed: as the product's state has it. */
export async function recordDeployed(database: Database, instanceId: string): Promise<void> {
  await database
    .updateTable('service_instances')
    .set({
      state: sql<number>`CASE WHEN product_state = 'VALID' THEN ${INSTANCE_STATE.OPERATIONAL}::int
        ELSE ${INSTANCE_STATE.SUSPENDED}::int END`,
    })
    .where('instance_id', '=', instanceId)
    .where('state', '=', INSTANCE_STATE.NOT_DEPLOYED)
    .execute();
}

/**
 * Takes a change of the issuer over, once, in its order.
 *
 * @returns false for one that was taken before
 * @throws ConflictError `sequence-gap` when one before it has not come yet
 */
export async function applyStateChange(database: Database, change: ProductStateChange): Promise<boolean> {
  const card = cardIdText(change.cardId);
  return database.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('state_change_sequences')
      .values({ card, last: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { last } = await transaction
      .selectFrom('state_change_sequences')
      .select('last')
      .where('card', '=', card)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (change.sequence <= last) return false;
    if (change.sequence > last + 1) {
      throw new ConflictError('sequence-gap', 'A change of this card before this one has not come yet', { last });
    }
    await transaction
      .updateTable('state_change_sequences')
      .set({ last: change.sequence })
      .where('card', '=', card)
      .execute();
    await transaction
      .updateTable('service_instances')
      .set({
        product_state: change.to,
        revision: sql<number>`revision + 1`,
        // One that is not deployed wholly stays where it is; one that its provider suspended too.
        state: sql<number>`CASE WHEN state NOT IN (${INSTANCE_STATE.OPERATIONAL}::int, ${INSTANCE_STATE.SUSPENDED}::int)
          THEN state WHEN ${change.to} = 'VALID' AND NOT suspended THEN ${INSTANCE_STATE.OPERATIONAL}::int
          ELSE ${INSTANCE_STATE.SUSPENDED}::int END`,
      })
      .where('card', '=', card)
      .where('product_id', '=', change.productId)
      .execute();
    return true;
  });
}

const toInstance = (row: Selectable<ProviderTables['service_instances']>): ServiceInstance => ({
  ...{ instanceId: row.instance_id, productId: row.product_id, cardId: cardIdOfText(row.card), serial: row.serial },
  ...{ state: row.state, productState: row.product_state },
});
