// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' });

/** Hours of the day: `from` is in them, `until` is not; over midnight where it is before `from`. */
export const DayHours = Type.Object(
  {
    from: Time,
    until: Time,
    /** Of the tz database, such as Europe/Berlin; default UTC. */
    timeZone: Type.Optional(Type.String({ maxLength: 64 })),
  },
  closed,
);
export type DayHours = Static<typeof DayHours>;

/** How short messages go to a card: what is absent is as its group has it, or else the server. */
export const SendingRules = Type.Object(
  {
    /** How many times a packet is sent that the card does not answer. */
    sendings: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    /** Before it is sent again, doubled each time. */
    resendSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800 })),
    /** Nothing leaves in them but what a person waits for. */
    quietHours: Type.Optional(DayHours),
  },
  closed,
);
export type SendingRules = Static<typeof SendingRules>;

/** Of cards that have rules, or an SMSC, in common. */
export const CardGroup = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' });
