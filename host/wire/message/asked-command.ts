// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Name } from './common.ts';
import { MAX_SHOWN } from './shown-text.ts';

const Byte = Type.Integer({ minimum: 0, maximum: 255 });

/** What a card asked of its handset: a proactive command, and how it ended. Data of channels and messages stay out. */
export const AskedCommand = Type.Object(
  {
    /** 1 for the first since the terminal began; who watches asks for those after the last one he has. */
    number: Type.Integer({ minimum: 1 }),
    at: Type.String({ maxLength: 40 }),
    readerName: Name,
    /** Such as `openChannel`; of a type that the handset does not name its two hex digits. */
    command: Type.String({ maxLength: 40 }),
    qualifier: Byte,
    /** General result of the terminal's response. @see TS 102 223 8.12 */
    result: Byte,
    /** Of DISPLAY TEXT; what is longer is cut. */
    text: Type.Optional(Type.String({ maxLength: MAX_SHOWN.characters })),
  },
  { additionalProperties: false },
);
export type AskedCommand = Static<typeof AskedCommand>;

/** GET /v1/proactive-commands?after=N&waitMs=.. on `terminal`, by its operators: returns with the first one after N. */
export const AskedCommands = Type.Array(AskedCommand, { maxItems: 500 });
