// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type ServiceInstance } from '../../wire/message/platform.ts';
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
      instance_id: instanceId,
      product_id: productId,
      card: cardIdText(cardId),
      serial,
      state: INSTANCE_STATE.NOT_DEPLOYED,
      product_state: 'VALID' as const,
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

const toInstance = (row: Selectable<ProviderTables['service_instances']>): ServiceInstance => ({
  instanceId: row.instance_id,
  productId: row.product_id,
  cardId: cardIdOfText(row.card),
  serial: row.serial,
  state: row.state,
  productState: row.product_state,
});
