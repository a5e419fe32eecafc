// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardId, Msisdn, Name } from './common.ts';
import { CardGroup, SendingRules } from './sending-rules.ts';

export type CardAgent = 'amendment-b' | 'opentsm';

/** PUT /v1/subscriptions/{kind}/{value} on `ota`, by its operators: the card's number from now on. */
export const PutSubscription = Type.Object(
  {
    msisdn: Msisdn,
    /** IMEI of the handset that the card is in. */
    device: Type.Optional(Type.String({ pattern: '^[0-9]{14,16}$' })),
    /** The terminal whose word for this number counts: card sessions by short message are with it alone. */
    terminalId: Type.Optional(Name),
    /**
     * The card has an administration agent of its own: one by Amendment B alone, or the one of `applet/agent`, which
     * takes scripts for files and domains at once. Absent: its terminal's agent has to do.
     */
    agent: Type.Optional(Type.Union([Type.Literal('amendment-b'), Type.Literal('opentsm')])),
    /**
     * What the agent names in TLS, where its maker has given it a name of its own. Absent: the card id, which the
     * message that makes it call tells it.
     */
    pskIdentity: Type.Optional(Type.String({ pattern: '^[ -~]{1,128}$' })),
    /** One of `groups` in `sms` of the server's config: its rules and its SMSC. */
    group: Type.Optional(CardGroup),
    /** Rules of this card alone. */
    sending: Type.Optional(SendingRules),
  },
  { additionalProperties: false },
);

export const Subscription = Type.Object(
  {
    cardId: CardId,
    ...PutSubscription.properties,
    since: Type.String({ maxLength: 40 }),
    /** When it ended; absent while it holds. */
    until: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
);
export type Subscription = Static<typeof Subscription>;

/** GET /v1/subscriptions/{kind}/{value}: the numbers that the card has and had, the newest first. */
export const SubscriptionHistory = Type.Array(Subscription, { maxItems: 100 });
