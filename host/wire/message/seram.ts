// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';

/**
 * GlobalPlatform SERAM 2.0.0: what a local agent (the phone) and the remote agent (the front) say to each other. Fields
 * that are not known are ignored, as the published schema asks nowhere for less (`supportedVersion` in its own
 * example).
 * Defects of the published schema and our rule for each: docs/seram.md.
 */

export const SERAM_VERSION = '2.0.0';
/** Most APDUs of one command, and most commands of one order. */
export const SERAM_LIMITS = { apdus: 32, commands: 64, bodyBytes: 262_144 } as const;

export const SeType = Type.Union([
  Type.Literal('eSE'),
  Type.Literal('iSE'),
  Type.Literal('uicc'),
  Type.Literal('euicc'),
  Type.Literal('ieuicc'),
  Type.Literal('undefined'),
]);
export type SeType = Static<typeof SeType>;

/**
 * A secure element by type and name. The name is free text; ours are ICCID, EID, CPLC, and IIN with CIN. What a phone
 * says is bounded by the size of a body alone: the published schema has no other limit.
 */
export const SecureElement = Type.Object({
  seType: SeType,
  seId: Type.String(),
  seExtraInfo: Type.Optional(Type.String()),
});
export type SecureElement = Static<typeof SecureElement>;

const Names = Type.Array(Type.String());

/**
 * POST /gp/seram/handshake: secure elements in order of preference; what is absent is HTTPS, application/json, 2.0.0.
 */
export const Handshake = Type.Object({
  secureElements: Type.Array(SecureElement),
  supportedTransportProtocols: Type.Optional(Names),
  supportedDataFormats: Type.Optional(Names),
  supportedVersions: Type.Optional(Names),
});
export type Handshake = Static<typeof Handshake>;

/** The published schema requires a field that it does not define: both names are sent with one value. */
export const HandshakeAnswer = Type.Object(
  {
    chosenTransportProtocol: Type.Literal('HTTPS'),
    chosenDataFormat: Type.Literal('application/json'),
    chosenDataProtocol: Type.Literal('application/json'),
    chosenVersion: Type.Literal(SERAM_VERSION),
  },
  { additionalProperties: false },
);
export type HandshakeAnswer = Static<typeof HandshakeAnswer>;

/** Response APDUs may be written in lower case; one that is not available is empty or left out. */
const ResponseApdu = Type.String({ pattern: '^([0-9A-Fa-f]{2})*$', maxLength: 8_196 });

/** POST /gp/seram/remoteManagement: what became of the last order, and the question for the next. */
export const Report = Type.Object({
  localAgentStatus: Type.Object({
    localAgentStatusEnum: Type.Union([
      Type.Literal('PROCESSED'),
      Type.Literal('POLLING'),
      Type.Literal('UNAVAILABLE_SE'),
      Type.Literal('UNKNOWN_FAILURE'),
      Type.Literal('UNGRANTED_ACCESS'),
    ]),
    executedSeRamCommands: Type.Optional(Type.Integer({ minimum: 0 })),
    /** However long: the beginning of it is kept. */
    errorMsg: Type.Optional(Type.String()),
  }),
  ramResponses: Type.Optional(
    Type.Array(
      Type.Object({
        ramResponseType: Type.Literal('seRamResponse'),
        listOfRAPDU: Type.Array(ResponseApdu, { maxItems: SERAM_LIMITS.apdus }),
      }),
      { maxItems: SERAM_LIMITS.commands },
    ),
  ),
});
export type Report = Static<typeof Report>;

const closed = { additionalProperties: false } as const;
const CommandApdu = Type.String({ pattern: '^([0-9A-F]{2}){4,261}$' });

export const RamCommand = Type.Union([
  Type.Object({ ramCommandType: Type.Literal('ramStartCommand') }, closed),
  Type.Object(
    {
      ramCommandType: Type.Literal('seRamCommand'),
      listOfCAPDU: Type.Array(CommandApdu, { minItems: 1, maxItems: SERAM_LIMITS.apdus }),
    },
    closed,
  ),
  Type.Object(
    { ramCommandType: Type.Literal('notificationCommand'), deviceAppNotification: Type.String({ maxLength: 500 }) },
    closed,
  ),
  Type.Object({ ramCommandType: Type.Literal('ramStopCommand') }, closed),
]);
export type RamCommand = Static<typeof RamCommand>;

/** `delay` in milliseconds, always there: prose and schema differ in what its absence means. */
export const Order = Type.Object(
  {
    delay: Type.Integer({ minimum: 0, maximum: 60_000 }),
    chosenSecureElement: Type.Optional(SecureElement),
    ramCommands: Type.Optional(Type.Array(RamCommand, { minItems: 1, maxItems: SERAM_LIMITS.commands })),
  },
  closed,
);
export type Order = Static<typeof Order>;

/**
 * What an agent reads, of any server: all that the published schema leaves out may be missing, what it does not name is
 * passed over, and the format has the name of its text, of its list of required fields, or none.
 */
export const AnyHandshakeAnswer = Type.Object({
  chosenTransportProtocol: Type.Literal('HTTPS'),
  chosenDataFormat: Type.Optional(Type.Literal('application/json')),
  chosenDataProtocol: Type.Optional(Type.Literal('application/json')),
  chosenVersion: Type.Literal(SERAM_VERSION),
});

export const AnyOrder = Type.Object({
  delay: Type.Optional(Type.Integer({ minimum: 0 })),
  chosenSecureElement: Type.Optional(Type.Object({ seId: Type.String() })),
  ramCommands: Type.Optional(
    Type.Array(
      Type.Union([
        Type.Object({ ramCommandType: Type.Literal('ramStartCommand') }),
        Type.Object({
          ramCommandType: Type.Literal('seRamCommand'),
          listOfCAPDU: Type.Array(Type.String({ pattern: '^([0-9A-Fa-f]{2}){4,}$' })),
        }),
        Type.Object({ ramCommandType: Type.Literal('notificationCommand'), deviceAppNotification: Type.String() }),
        Type.Object({ ramCommandType: Type.Literal('ramStopCommand') }),
      ]),
    ),
  ),
});
export type AnyOrder = Static<typeof AnyOrder>;
