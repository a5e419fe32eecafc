// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardId } from './common.ts';
import { ProductState } from './platform.ts';
import { Uuid } from './service-instance.ts';

/** Private attributes of a product on a card: texts that mean something to its service provider alone. */

const closed = { additionalProperties: false } as const;
const AttributeName = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9._-]{0,63}$' });
const AttributeText = Type.String({ maxLength: 1_024 });
export const MAX_ATTRIBUTES = 64;
const bounded = { maxProperties: MAX_ATTRIBUTES, ...closed } as const;

/** GET /ext/1/products/{kind}/{value}/{serviceId} at the TSM-Backend; its revision is the ETag. */
export const ProductAttributes = Type.Object(
  {
    serviceId: Uuid,
    cardId: CardId,
    state: ProductState,
    attributes: Type.Record(AttributeName, AttributeText, bounded),
  },
  closed,
);
export type ProductAttributes = Static<typeof ProductAttributes>;

/** PUT: all of them. */
export const ReplaceAttributes = Type.Pick(ProductAttributes, ['attributes'], closed);

/** PATCH: those that change; null takes one away. @see RFC 7396 */
export const MergeAttributes = Type.Object(
  { attributes: Type.Record(AttributeName, Type.Union([AttributeText, Type.Null()]), bounded) },
  closed,
);
export type MergeAttributes = Static<typeof MergeAttributes>;
