// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { ExchangeRequest, TripCost } from './card-script.ts';
import { Aid, CardId, Hex, HolderReference, KeyReference, Name, Problem, RsaPublicKey } from './common.ts';

/** Messages of the key distribution between provider, issuer and their users. */

/** One row of the report and of the live ladder. Facts only: no key bytes, no card data beyond headers. */
export const StepRecord = Type.Object(
  {
    numeral: Type.String({ maxLength: 8 }),
    name: Type.String({ maxLength: 64 }),
    from: Type.String({ maxLength: 32 }),
    to: Type.String({ maxLength: 32 }),
    /** Labels of the commands with their final status words, e.g. `INSTALL [for install] 9000`. */
    commands: Type.Array(Type.String({ maxLength: 120 }), { maxItems: 64 }),
    apdus: Type.Integer({ minimum: 0 }),
    roundTrips: Type.Integer({ minimum: 0 }),
    bytesOut: Type.Integer({ minimum: 0 }),
    bytesIn: Type.Integer({ minimum: 0 }),
    ms: Type.Number({ minimum: 0 }),
    /** How its trip went to the card, and instead of what: `sms; bip: the card did not call`. */
    bearer: Type.Optional(Type.String({ maxLength: 300 })),
  },
  { additionalProperties: false },
);
export type StepRecord = Static<typeof StepRecord>;

/** Step 42: POST /v1/security-domain-requests on `issuer`, header `idempotency-key`. */
export const SecurityDomainRequest = Type.Object(
  {
    /** ASP_ID: must be the provider of the client certificate. */
    providerId: Name,
    cardId: CardId,
    ssdAid: Aid,
    keySizeBits: Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)]),
    /** CHR of the provider's CERT.OCE.AUT: registered as Application Provider id ('5F20') of the SSD. */
    applicationProviderId: HolderReference,
    /** PK.TP_EX.AUT: the provider CA's public key. */
    trustPoint: Type.Object(
      { holderReference: HolderReference, publicKey: RsaPublicKey },
      { additionalProperties: false },
    ),
    /** Names the card session that the provider holds open for the issuer (`/v1/card-relays/{relayId}`). */
    relayId: Type.String({ pattern: '^[A-Za-z0-9._:-]{8,128}$' }),
    /** Only 43 and 44 are asked: is it permitted, and is the card known? Answered as `done` without report. */
    admissionOnly: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);
export type SecurityDomainRequest = Static<typeof SecurityDomainRequest>;

/** Step 52: what the issuer answers when 51 is done. */
export const SecurityDomainReport = Type.Object(
  {
    ssdAid: Aid,
    isdAid: Aid,
    keyReference: KeyReference,
    publicKey: RsaPublicKey,
    casd: Type.Optional(Type.Object({ aid: Aid }, { additionalProperties: false })),
    /** The domain has Delegated Management: the provider changes its content by tokens. */
    delegated: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);
export type SecurityDomainReport = Static<typeof SecurityDomainReport>;

/** GET /v1/security-domain-requests/{id}?waitMs=..; `cancel` by POST .../cancel */
export const SecurityDomainRequestState = Type.Object(
  {
    requestId: Type.String({ maxLength: 128 }),
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    report: Type.Optional(SecurityDomainReport),
    problem: Type.Optional(Problem),
  },
  { additionalProperties: false },
);
export type SecurityDomainRequestState = Static<typeof SecurityDomainRequestState>;

/** POST /v1/card-relays/{relayId}/exchange on `provider`, by the issuer: no fence, the provider adds its own. */
export const RelayExchange = Type.Object(
  { commands: ExchangeRequest.properties.commands },
  { additionalProperties: false },
);
export type RelayExchange = Static<typeof RelayExchange>;

/** POST /v1/key-distributions on `provider`, header `idempotency-key`. */
export const StartKeyDistribution = Type.Object(
  {
    terminalId: Name,
    readerName: Name,
    keySizeBits: Type.Optional(Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)])),
  },
  { additionalProperties: false },
);
export type StartKeyDistribution = Static<typeof StartKeyDistribution>;

export const KeyDistributionOutcome = Type.Union([
  Type.Literal('distributed'),
  Type.Literal('already-present'),
  Type.Literal('refused'),
]);

/** GET /v1/key-distributions/{id}?waitMs=..&afterStep=.. */
export const KeyDistributionState = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    outcome: Type.Optional(KeyDistributionOutcome),
    refusedAt: Type.Optional(Type.String({ maxLength: 8 })),
    foundBy: Type.Optional(Type.Union([Type.Literal('database'), Type.Literal('select')])),
    /** Says `attested` or `honest-issuer`: on what the isolation rests. */
    isolation: Type.Optional(Type.Union([Type.Literal('attested'), Type.Literal('honest-issuer')])),
    cardId: Type.Optional(CardId),
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    ssd: Type.Optional(
      Type.Object(
        { aid: Aid, keySizeBits: Type.Integer(), publicKeySha256: Hex, certificate: Hex },
        { additionalProperties: false },
      ),
    ),
    problem: Type.Optional(Problem),
    cost: Type.Optional(TripCost),
  },
  { additionalProperties: false },
);
export type KeyDistributionState = Static<typeof KeyDistributionState>;

/** A row of the provider's database of created SSDs. */
export const SecurityDomainRow = Type.Object(
  {
    cardId: CardId,
    ssdAid: Aid,
    isdAid: Aid,
    state: Type.Union([Type.Literal('reported'), Type.Literal('owned'), Type.Literal('certified')]),
    keyReference: KeyReference,
    publicKey: RsaPublicKey,
    certificate: Type.Optional(Hex),
    /** IIN and CIN that the card's CASD has signed for. */
    attestedCard: Type.Optional(Type.Object({ iin: Hex, cin: Hex }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
export type SecurityDomainRow = Static<typeof SecurityDomainRow>;
