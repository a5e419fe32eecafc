// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Hex, IdempotencyKey, Msisdn, Name, StatusWordHex } from './common.ts';

/**
 * Scripts of command APDUs and the card-session interface of the `ota` daemon.
 * A script runs at the terminal, in order, without asking back; it stops after the first
 * command whose final status word is not listed in its `expect`, unless it says `anyStatus`.
 */

export const CardCommand = Type.Object(
  {
    /** For people and the ladder: INS name such as `INSTALL [for install]`. Never secret data. */
    label: Type.String({ maxLength: 80 }),
    /**
     * One command as it goes over the link: more than one APDU where it is chained. The terminal
     * sends them in order and wants 9000 for all but the last. 61xx is followed by GET RESPONSE
     * and 6Cxx by a repeat with the right Le, by the terminal.
     */
    apdus: Type.Array(Hex, { minItems: 1, maxItems: 16 }),
    /** Final status words after which the script goes on; default 9000 only. */
    expect: Type.Optional(Type.Array(StatusWordHex, { minItems: 1, maxItems: 8 })),
    /** The script goes on after every final status word; `expect` does not count then. */
    anyStatus: Type.Optional(Type.Literal(true)),
    /** Longest time for this command: key generation may take minutes. */
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
  },
  { additionalProperties: false },
);
export type CardCommand = Static<typeof CardCommand>;

export const CardResponse = Type.Object(
  {
    /** Response data with all GET RESPONSE parts joined; up to 4096 bytes. */
    data: Hex,
    sw: StatusWordHex,
  },
  { additionalProperties: false },
);
export type CardResponse = Static<typeof CardResponse>;

/** What one round trip between `ota` and `terminal` cost. */
export const TripCost = Type.Object(
  {
    roundTrips: Type.Integer({ minimum: 0 }),
    apdus: Type.Integer({ minimum: 0 }),
    bytesOut: Type.Integer({ minimum: 0 }),
    bytesIn: Type.Integer({ minimum: 0 }),
    ms: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type TripCost = Static<typeof TripCost>;

export const ExchangeRequest = Type.Object(
  {
    /** Fencing number of the lease: a stale owner is refused with `stale-fence` (409). */
    fence: Type.Integer({ minimum: 1 }),
    commands: Type.Array(CardCommand, { minItems: 1, maxItems: 64 }),
  },
  { additionalProperties: false },
);
export type ExchangeRequest = Static<typeof ExchangeRequest>;

/** With `1` in an exchange: the session ends with this script. A header, because earlier releases ignore it. */
export const LAST_SCRIPT_HEADER = 'opentsm-last-script';

export const ExchangeResult = Type.Object(
  {
    /** One per command that ran; shorter than the script when it stopped early. */
    responses: Type.Array(CardResponse, { maxItems: 64 }),
    /** True when the last response's status word was not expected. */
    stopped: Type.Boolean(),
    cost: TripCost,
    /** Where `ota` has a choice: how the script went to the card, and why not otherwise. */
    bearer: Type.Optional(Type.String({ maxLength: 16 })),
    /** The session was ended with this script, as it was asked for (`LAST_SCRIPT_HEADER`). */
    ended: Type.Optional(Type.Literal(true)),
    insteadOf: Type.Optional(
      Type.Array(
        Type.Object(
          { bearer: Type.String({ maxLength: 16 }), reason: Type.String({ maxLength: 200 }) },
          { additionalProperties: false },
        ),
        { maxItems: 4 },
      ),
    ),
  },
  { additionalProperties: false },
);
export type ExchangeResult = Static<typeof ExchangeResult>;

/**
 * POST /v1/card-sessions on `ota`, by a provider. Then POST .../{sessionId}/exchange (ExchangeRequest),
 * POST .../{sessionId}/renew (RenewCardSession) and DELETE .../{sessionId}.
 */
export const OpenCardSession = Type.Object(
  {
    terminalId: Name,
    readerName: Name,
    /** Workflow id of the owner: the same owner gets its lease back, with a new fence. */
    owner: IdempotencyKey,
    /** How long to wait for another owner's lease to end before `card-busy` (409). */
    waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 120_000 })),
    /** The first script, which runs as soon as the session is open; when it fails, so does the opening. */
    commands: Type.Optional(ExchangeRequest.properties.commands),
  },
  { additionalProperties: false },
);
export type OpenCardSession = Static<typeof OpenCardSession>;

/** POST /v1/card-sessions/give-back: ends the session that this owner has on the reader, if it has one. */
export const GiveBackCard = Type.Object(
  {
    terminalId: OpenCardSession.properties.terminalId,
    readerName: OpenCardSession.properties.readerName,
    owner: OpenCardSession.properties.owner,
  },
  { additionalProperties: false },
);
export type GiveBackCard = Static<typeof GiveBackCard>;

export const CardSessionInfo = Type.Object(
  {
    sessionId: Type.String({ maxLength: 64 }),
    fence: Type.Integer({ minimum: 1 }),
    atr: Hex,
    /** Changes whenever a card is inserted or the reader comes back: facts of another insertion are stale. */
    insertion: Type.String({ maxLength: 64 }),
    leaseExpiresAt: Type.String({ maxLength: 40 }),
    /** What became of the `commands` of the opening. */
    first: Type.Optional(ExchangeResult),
  },
  { additionalProperties: false },
);
export type CardSessionInfo = Static<typeof CardSessionInfo>;

export const RenewCardSession = Type.Object({ fence: Type.Integer({ minimum: 1 }) }, { additionalProperties: false });
export type RenewCardSession = Static<typeof RenewCardSession>;

/** GET /v1/terminals on `ota`: a list of these */
export const TerminalInfo = Type.Object(
  {
    terminalId: Name,
    connectedAt: Type.String({ maxLength: 40 }),
    readers: Type.Array(
      Type.Object(
        {
          readerName: Name,
          link: Type.Union([Type.Literal('pcsc'), Type.Literal('direct')]),
          cardPresent: Type.Boolean(),
          atr: Hex,
          insertion: Type.String({ maxLength: 64 }),
          /** An administration agent answers triggers for this reader. */
          bip: Type.Optional(Type.Literal(true)),
          /** Number of the card in it, whose messages the terminal takes: international, without `+`. */
          msisdn: Type.Optional(Msisdn),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type TerminalInfo = Static<typeof TerminalInfo>;

/** GET /v1/cards/{kind}/{value}/places on `ota`: a list of these, those that the card surely is in first. */
export const CardPlace = Type.Object(
  {
    terminalId: Name,
    readerName: Name,
    insertion: Type.String({ maxLength: 64 }),
    /** Phone or terminal say that it is this card; otherwise a card is there, and nobody has asked which. */
    named: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type CardPlace = Static<typeof CardPlace>;

/** Messages on the WebSocket that a terminal opens to `ota` (`/v1/terminal-link`), one JSON text each. */
export const TerminalHello = Type.Object(
  { type: Type.Literal('hello'), terminalId: Name, readers: TerminalInfo.properties.readers },
  { additionalProperties: false },
);
export const TerminalReaders = Type.Object(
  { type: Type.Literal('readers'), readers: TerminalInfo.properties.readers },
  { additionalProperties: false },
);
export const TerminalExchange = Type.Object(
  {
    type: Type.Literal('exchange'),
    id: Type.Integer({ minimum: 1 }),
    readerName: Name,
    insertion: Type.String({ maxLength: 64 }),
    /** A higher number than the last starts the card anew (reset); a lower one is refused by the terminal too. */
    fence: Type.Integer({ minimum: 1 }),
    commands: Type.Array(CardCommand, { minItems: 1, maxItems: 64 }),
  },
  { additionalProperties: false },
);
/** The session of this fence is over: the terminal gives the card back, reset. */
export const TerminalRelease = Type.Object(
  { type: Type.Literal('release'), readerName: Name, fence: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
);
/** Makes the administration agent call: stands for the message that a card gets (docs/ota.md section 6). */
export const TerminalTrigger = Type.Object(
  {
    type: Type.Literal('trigger'),
    readerName: Name,
    insertion: Type.String({ maxLength: 64 }),
    fence: Type.Integer({ minimum: 1 }),
    /** Administration session triggering parameters. */
    parameters: Hex,
  },
  { additionalProperties: false },
);
export const TerminalResult = Type.Object(
  {
    type: Type.Literal('result'),
    id: Type.Integer({ minimum: 1 }),
    responses: Type.Array(CardResponse, { maxItems: 64 }),
    stopped: Type.Boolean(),
    /** Set when the link failed during the script; `responses` holds what was answered before. */
    failure: Type.Optional(
      Type.Object(
        { code: Type.String({ maxLength: 64 }), message: Type.String({ maxLength: 500 }) },
        { additionalProperties: false },
      ),
    ),
    apdus: Type.Integer({ minimum: 0 }),
    bytesOut: Type.Integer({ minimum: 0 }),
    bytesIn: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
/** A script that a node of the OTA server hands to the one that the terminal is connected to. */
export const ScriptOfNode = Type.Object(
  {
    ...Type.Omit(TerminalExchange, ['type', 'id']).properties,
    timeoutMs: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  },
  { additionalProperties: false },
);
export const TriggerOfNode = Type.Omit(TerminalTrigger, ['type'], { additionalProperties: false });
export const ReleaseOfNode = Type.Object(
  { readerName: Name, fence: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
);
export type TerminalHello = Static<typeof TerminalHello>;
export type TerminalReaders = Static<typeof TerminalReaders>;
export type TerminalExchange = Static<typeof TerminalExchange>;
export type TerminalTrigger = Static<typeof TerminalTrigger>;
export type TerminalRelease = Static<typeof TerminalRelease>;
export type TerminalResult = Static<typeof TerminalResult>;
