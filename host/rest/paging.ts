// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';

/** Query of lists; parameters are text. */
export const limitField = { limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$' })) };
export const LimitQuery = Type.Object(limitField, { additionalProperties: false });

const DEFAULT_LIMIT = 100;

/** 1 to 500, default 100. */
export const limitOf = (query: { readonly limit?: string }): number => Number(query.limit ?? DEFAULT_LIMIT);
