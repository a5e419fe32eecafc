// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Hex, Name } from './common.ts';

/** What a card had its handset show: DISPLAY TEXT. */
export const ShownText = Type.Object(
  {
    /** 1 for the first since the terminal began; who watches asks for those after the last one he has. */
    number: Type.Integer({ minimum: 1 }),
    at: Type.String({ maxLength: 40 }),
    readerName: Name,
    text: Type.String({ maxLength: 300 }),
    /** Data coding scheme and bytes as they came. */
    dcs: Type.Integer({ minimum: 0, maximum: 255 }),
    bytes: Hex,
  },
  { additionalProperties: false },
);
export type ShownText = Static<typeof ShownText>;

/** GET /v1/texts?after=N&waitMs=.. on `terminal`, by its operators: returns with the first one after N. */
export const ShownTexts = Type.Array(ShownText, { maxItems: 100 });
