// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Name } from './common.ts';

/** Of a text that is told: a card may send more than any handset shows. Characters, and bytes as they came. */
export const MAX_SHOWN = { characters: 300, bytes: 1_024 } as const;

/** What a card had its handset show: DISPLAY TEXT. */
export const ShownText = Type.Object(
  {
    /** 1 for the first since the terminal began; who watches asks for those after the last one he has. */
    number: Type.Integer({ minimum: 1 }),
    at: Type.String({ maxLength: 40 }),
    readerName: Name,
    text: Type.String({ maxLength: MAX_SHOWN.characters }),
    /** Data coding scheme and bytes as they came; what is longer is cut. */
    dcs: Type.Integer({ minimum: 0, maximum: 255 }),
    bytes: Type.String({ pattern: '^([0-9A-F]{2})*$', maxLength: 2 * MAX_SHOWN.bytes }),
  },
  { additionalProperties: false },
);
export type ShownText = Static<typeof ShownText>;

/** GET /v1/texts?after=N&waitMs=.. on `terminal`, by its operators: returns with the first one after N. */
export const ShownTexts = Type.Array(ShownText, { maxItems: 100 });
