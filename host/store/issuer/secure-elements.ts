// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import { ConflictError, LifeCycleError, NotFoundError } from '../../errors.ts';
import { plainIccid } from '../../wire/iccid.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductState } from '../../wire/message/platform.ts';
import type {
  NameKind,
  ProductAttributes,
  SecureElement,
  SecureElementName,
  SecureElementState,
} from '../../wire/message/secure-elements.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import { moveProducts } from './card-products.ts';
import type { IssuerTables } from './schema.ts';

/** Secure elements by any of their names: life cycle, and what the issuer keeps of products on them. */

type Database = Kysely<IssuerTables>;

const KINDS: readonly NameKind[] = ['iccid', 'eid', 'cplc', 'cud'];

function nameOfText(text: string): SecureElementName {
  const separator = text.indexOf(':');
  return { kind: text.slice(0, separator) as NameKind, value: text.slice(separator + 1) };
}

const unknown = () => new NotFoundError('card-unknown', 'The issuer does not know this secure element');

/** As `card_names` has it: an ICCID without its filler. */
const nameText = (kind: string, value: string): string => `${kind}:${kind === 'iccid' ? plainIccid(value) : value}`;

/** The card that has this name. @throws NotFoundError `card-unknown` */
export async function cardOfName(database: Database, name: string): Promise<string> {
  const row = await database
    .selectFrom('card_names')
    .select('card')
    .where(
      'name',
      'in',
      KINDS.map((kind) => nameText(kind, name)),
    )
    .executeTakeFirst();
  if (row === undefined) throw unknown();
  return row.card;
}

/** The card that has this name of this kind. @throws NotFoundError `card-unknown` */
export async function cardOfKind(database: Database, kind: string, value: string): Promise<string> {
  const row = await database
    .selectFrom('card_names')
    .select('card')
    .where('name', '=', nameText(kind, value))
    .executeTakeFirst();
  if (row === undefined) throw unknown();
  return row.card;
}

/** @throws NotFoundError `card-unknown` */
export async function findSecureElement(database: Database, name: string): Promise<SecureElement> {
  const card = await cardOfName(database, name);
  const row = await database.selectFrom('cards').selectAll().where('card', '=', card).executeTakeFirstOrThrow();
  const names = await database
    .selectFrom('card_names')
    .select('name')
    .where('card', '=', card)
    .orderBy('name')
    .limit(8)
    .execute();
  return {
    cardId: cardIdOfText(card),
    names: names.map((each) => nameOfText(each.name)),
    state: row.state,
    ...(row.model_id === null ? {} : { modelId: row.model_id }),
    ...(row.batch_id === null ? {} : { batchId: row.batch_id }),
    ...(row.replaced_by === null ? {} : { replacedBy: cardIdOfText(row.replaced_by) }),
    changedAt: row.changed_at.toISOString(),
  };
}

/** Locks the card to the end of the transaction: changes of its products get their numbers in this order. */
export async function lockCard(transaction: Database, card: string): Promise<SecureElementState> {
  const row = await transaction
    .selectFrom('cards')
    .select('state')
    .where('card', '=', card)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw unknown();
  return row.state;
}

/** What a move does to products in which state. */
const PRODUCTS_AFTER: Readonly<Partial<Record<SecureElementState, readonly [from: ProductState[], to: ProductState]>>> =
  {
    BLOCKED: [['VALID'], 'SUSPENDED'],
    ACTIVE: [['SUSPENDED'], 'VALID'],
    REPLACED: [['VALID', 'SUSPENDED', 'INVALID'], 'TERMINATED'],
    RETIRED: [['VALID', 'SUSPENDED', 'INVALID'], 'TERMINATED'],
  };

/**
 * Moves a card that is locked, and its products: providers are told.
 *
 * @throws NotFoundError @throws LifeCycleError `replaced-by` for a successor that is the card itself or not in service
 */
export async function moveCard(
  transaction: Transaction<IssuerTables>,
  card: string,
  { to, replacedBy }: { readonly to: SecureElementState; readonly replacedBy?: CardId },
): Promise<void> {
  const successor = replacedBy === undefined ? null : cardIdText(replacedBy);
  if (successor !== null) {
    const known = await transaction
      .selectFrom('cards')
      .select('state')
      .where('card', '=', successor)
      .executeTakeFirst();
    if (known === undefined) throw unknown();
    if (successor === card || (known.state !== 'NEW' && known.state !== 'ACTIVE'))
      throw new LifeCycleError('replaced-by', 'What takes its place is another secure element, NEW or ACTIVE');
  }
  await transaction
    .updateTable('cards')
    .set({ state: to, changed_at: sql<Date>`now()`, ...(successor === null ? {} : { replaced_by: successor }) })
    .where('card', '=', card)
    .execute();
  const after = PRODUCTS_AFTER[to];
  if (after === undefined) return;
  const [from, state] = after;
  const products = await transaction
    .selectFrom('card_products')
    .select('product_id')
    .where('card', '=', card)
    .where('state', 'in', from)
    .execute();
  if (products.length > 0)
    await moveProducts(
      transaction,
      card,
      products.map((row) => row.product_id),
      state,
    );
}

const noProduct = () => new NotFoundError('product-not-on-card', 'The issuer knows no such product on this card');

/** @throws NotFoundError */
export async function findAttributes(database: Database, name: string, productId: string): Promise<ProductAttributes> {
  const card = await cardOfName(database, name);
  const row = await database
    .selectFrom('card_products')
    .select(['attributes', 'attributes_version'])
    .where('card', '=', card)
    .where('product_id', '=', productId)
    .executeTakeFirst();
  if (row === undefined) throw noProduct();
  return { version: row.attributes_version, attributes: row.attributes };
}

/** @throws NotFoundError @throws ConflictError `attributes-changed` unless they are as the caller saw them */
export async function putAttributes(
  database: Database,
  name: string,
  productId: string,
  { version, attributes }: ProductAttributes,
): Promise<void> {
  const card = await cardOfName(database, name);
  const row = await database
    .updateTable('card_products')
    .set({ attributes: JSON.stringify(attributes), attributes_version: version + 1 })
    .where('card', '=', card)
    .where('product_id', '=', productId)
    .where('attributes_version', '=', version)
    .returning('card')
    .executeTakeFirst();
  if (row !== undefined) return;
  const now = await findAttributes(database, name, productId);
  throw new ConflictError('attributes-changed', `Somebody else changed them: they are at version ${now.version}`, {
    version: now.version,
  });
}
