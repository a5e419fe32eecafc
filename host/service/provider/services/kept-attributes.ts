// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, UnacceptableError } from '../../../errors.ts';
import { findProduct, type KeptProduct, setAttributes } from '../../../store/provider/product-attributes.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import { ownerOfService } from '../../../store/provider/tsms.ts';
import type { CardId } from '../../../wire/message/common.ts';
import {
  MAX_ATTRIBUTES,
  type MergeAttributes,
  type ProductAttributes,
} from '../../../wire/message/product-attributes.ts';

type Attributes = ProductAttributes['attributes'];

interface ProductKey {
  readonly serviceId: string;
  readonly cardId: CardId;
}

export interface KeptAttributes {
  readonly product: ProductAttributes;
  readonly revision: number;
}

/** Private attributes of products, each change of them at a revision that its provider has seen. */
export class AttributeBook {
  readonly #database: Kysely<ProviderTables>;

  constructor(database: Kysely<ProviderTables>) {
    this.#database = database;
  }

  /** @throws NotFoundError `service-unknown`, `product-unknown` */
  async get(spId: string, key: ProductKey): Promise<KeptAttributes> {
    return kept(key, await this.#find(this.#database, spId, key, false));
  }

  /** Another set of attributes in place of all that there are. @throws as `merge` */
  async replace(spId: string, key: ProductKey, at: ExpectedRevision, attributes: Attributes): Promise<Changed> {
    return this.#change(spId, key, at, () => attributes);
  }

  /**
   * @returns undefined when the product is at another revision than `at` expects
   * @throws NotFoundError as `get` @throws ConflictError `product-terminated`
   * @throws UnacceptableError `too-many-attributes`
   */
  async merge(spId: string, key: ProductKey, at: ExpectedRevision, patch: MergeAttributes['attributes']) {
    return this.#change(spId, key, at, (attributes) => {
      const merged = Object.entries({ ...attributes, ...patch });
      return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
    });
  }

  async #change(
    spId: string,
    key: ProductKey,
    at: ExpectedRevision,
    change: (attributes: Attributes) => Attributes,
  ): Promise<Changed> {
    return this.#database.transaction().execute(async (transaction) => {
      const product = await this.#find(transaction, spId, key, true);
      if (!at(product.revision)) return undefined;
      if (product.state === 'TERMINATED')
        throw new ConflictError('product-terminated', 'The product has ended on this card: its attributes stay');
      const attributes = change(product.attributes);
      if (Object.keys(attributes).length > MAX_ATTRIBUTES)
        throw new UnacceptableError('too-many-attributes', `A product has ${MAX_ATTRIBUTES} attributes at most`);
      const changed = { ...product, attributes, revision: product.revision + 1 };
      await setAttributes(transaction, changed);
      return kept(key, changed);
    });
  }

  async #find(database: Kysely<ProviderTables>, spId: string, key: ProductKey, lock: boolean): Promise<KeptProduct> {
    const { serviceId, cardId } = key;
    if ((await ownerOfService(database, serviceId)) !== spId)
      throw new NotFoundError('service-unknown', 'You have no such service');
    const product = await findProduct(database, { productId: serviceId, cardId, lock });
    if (product === undefined)
      throw new NotFoundError('product-unknown', 'There is no instance of this service on this card');
    return product;
  }
}

/** Whether a change may be made at this revision. */
export type ExpectedRevision = (revision: number) => boolean;
type Changed = KeptAttributes | undefined;

const kept = ({ serviceId, cardId }: ProductKey, { state, attributes, revision }: KeptProduct): KeptAttributes => ({
  product: { serviceId, cardId, state, attributes },
  revision,
});
