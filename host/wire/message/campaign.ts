// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { AnswerHex, CardId, Hex, StatusWordHex } from './common.ts';

/** Messages that go to many cards when there is time, for the operators of `ota`. */

const closed = { additionalProperties: false } as const;
const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' });
const At = Type.String({ maxLength: 40 });
const Count = Type.Integer({ minimum: 0 });

/** Hours of each day in which the messages may leave, over midnight where the end is before the start. */
const CampaignHours = Type.Object(
  { from: Time, until: Time, timeZone: Type.Optional(Type.String({ maxLength: 64 })) },
  closed,
);

/** POST /v1/campaigns on `ota`, with an idempotency key: one script for each of these cards. */
export const StartCampaign = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 80 }),
    cards: Type.Array(CardId, { minItems: 1, maxItems: 1_000 }),
    /** Command APDUs of one packet; or `application`, one of the two. */
    commands: Type.Optional(
      Type.Array(Type.String({ pattern: '^([0-9A-F]{2}){4,261}$' }), { minItems: 1, maxItems: 64 }),
    ),
    /** Default: the issuer's domain. */
    target: Type.Optional(Type.Union([Type.Literal('domain'), Type.Literal('files')])),
    /** Of the commands; compact: the card tells how many ran, and the last one's answer. Default: expanded. */
    format: Type.Optional(Type.Union([Type.Literal('expanded'), Type.Literal('compact')])),
    /** Data for the toolkit application with this reference, and whose keys they have: default as other packets. */
    application: Type.Optional(
      Type.Object(
        {
          tar: Type.String({ pattern: '^[0-9A-F]{6}$' }),
          data: Type.String({ pattern: '^([0-9A-F]{2}){0,2100}$' }),
          keySet: Type.Optional(Type.Integer({ minimum: 1, maximum: 15 })),
        },
        closed,
      ),
    ),
    /** How long, from its start on, the packets may be sent and answered: the validity period of their messages. */
    validMinutes: Type.Integer({ minimum: 5, maximum: 44_640 }),
    startInMinutes: Type.Optional(Type.Integer({ minimum: 0, maximum: 44_640 })),
    /** Default: all day, but for the server's quiet hours. */
    hours: Type.Optional(CampaignHours),
    /** How many times a packet is sent that nobody answers, and the pause before the second time, doubled each time. */
    sendings: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    resendMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
  },
  closed,
);
export type StartCampaign = Static<typeof StartCampaign>;

const PacketState = Type.Union([
  Type.Literal('queued'),
  Type.Literal('sent'),
  Type.Literal('answered'),
  Type.Literal('refused'),
  Type.Literal('lost'),
  Type.Literal('expired'),
  Type.Literal('withdrawn'),
]);

/** GET /v1/campaigns/{campaignId} */
export const Campaign = Type.Object(
  {
    id: Type.String({ maxLength: 64 }),
    name: StartCampaign.properties.name,
    /** `done` when no packet is under way any more. */
    state: Type.Union([
      Type.Literal('running'),
      Type.Literal('paused'),
      Type.Literal('cancelled'),
      Type.Literal('done'),
    ]),
    at: At,
    expiresAt: At,
    /** Packets by their state. */
    packets: Type.Object(
      { queued: Count, sent: Count, answered: Count, refused: Count, lost: Count, expired: Count, withdrawn: Count },
      closed,
    ),
  },
  closed,
);
export type Campaign = Static<typeof Campaign>;

/** A packet in a queue, or what came of it. */
export const QueuedPacket = Type.Object(
  {
    id: Type.String({ maxLength: 64 }),
    cardId: CardId,
    state: PacketState,
    /** 2 for card sessions, 1 for others, 0 for campaigns. */
    priority: Type.Integer(),
    campaignId: Type.Optional(Type.String({ maxLength: 64 })),
    expiresAt: At,
    /** How many times all of it was given to the SMSC. */
    sendings: Count,
    /**
     * What the card said of the packet, and its answer: a response template of TS 102 226, or what the application
     * posted.
     */
    status: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    response: Type.Optional(AnswerHex),
    /** What a compact response says: commands that ran, status word and data of the last. */
    result: Type.Optional(Type.Object({ executed: Count, sw: StatusWordHex, data: Hex }, closed)),
  },
  closed,
);
export type QueuedPacket = Static<typeof QueuedPacket>;
