// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductAttributes } from '../../wire/message/product-attributes.ts';
import { cardIdText } from '../card-id.ts';
import type { ProviderTables } from './schema.ts';

/** Private attributes of products on cards, kept for their service providers. */

type Database = Kysely<ProviderTables>;

export interface KeptProduct {
  readonly instanceId: string;
  /** As the issuer says; SUSPENDED as well while its provider has it suspended. */
  readonly state: ProductAttributes['state'];
  readonly attributes: Readonly<Record<string, string>>;
  /** Grows with each change of the attributes or the state. */
  readonly revision: number;
}

const ofCard = (database: Database, productId: string, cardId: CardId) =>
  database
    .selectFrom('service_instances')
    .select(['instance_id', 'product_state', 'suspended', 'attributes', 'revision'])
    .where('product_id', '=', productId)
    .where('card', '=', cardIdText(cardId));

/** @param lock in a transaction: nobody changes it until that ends */
export async function findProduct(
  database: Database,
  { productId, cardId, lock }: { readonly productId: string; readonly cardId: CardId; readonly lock: boolean },
): Promise<KeptProduct | undefined> {
  const wanted = ofCard(database, productId, cardId);
  const row = await (lock ? wanted.forUpdate() : wanted).executeTakeFirst();
  if (row === undefined) return undefined;
  const { instance_id: instanceId, product_state: state, suspended, attributes, revision } = row;
  return { instanceId, state: state === 'VALID' && suspended ? 'SUSPENDED' : state, attributes, revision };
}

export async function setAttributes(
  database: Database,
  { instanceId, attributes, revision }: Omit<KeptProduct, 'state'>,
): Promise<void> {
  await database
    .updateTable('service_instances')
    .set({ attributes: JSON.stringify(attributes), revision })
    .where('instance_id', '=', instanceId)
    .execute();
}
