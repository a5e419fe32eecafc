// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Aid, CardId, Name, Problem } from './common.ts';
import { StepRecord } from './key-distribution.ts';
import { AmountInCents } from './purse.ts';

/** Products on cards: deployment, top-up, loss report, and what the two platforms tell each other of them. */

const closed = { additionalProperties: false } as const;

export const ProductId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
/** Private attribute of a product on a card. */
export const ProductState = Type.Union([
  Type.Literal('VALID'),
  Type.Literal('SUSPENDED'),
  Type.Literal('INVALID'),
  Type.Literal('TERMINATED'),
]);
export type ProductState = Static<typeof ProductState>;

/** States of a service instance (BSI TR-03165). */
export const INSTANCE_STATE = {
  NOT_DEPLOYED: 1,
  INITIALIZED: 10,
  INSTALLED: 11,
  PERSONALIZED: 12,
  ACTIVATED: 14,
  OPERATIONAL: 21,
  SUSPENDED: 22,
  IN_ERROR: 25,
} as const;

const FlowState = Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]);

/**
 * POST /v1/application-requests on `issuer`, by a provider, header `idempotency-key`: LOAD and INSTALL into its domain.
 */
const LoadFile = Type.String({ pattern: '^([0-9A-F]{2}){1,65536}$' });

export const ApplicationRequest = Type.Object(
  {
    cardId: CardId,
    productId: ProductId,
    /** The provider's domain on this card. */
    ssdAid: Aid,
    loadFileAid: Aid,
    /** Load file data block; loaded where the card has no such load file. */
    loadFile: LoadFile,
    moduleAid: Aid,
    instanceAid: Aid,
    /** Load files without an application that this one wants, in the order of loading; absent: none. */
    libraries: Type.Optional(
      Type.Array(Type.Object({ loadFileAid: Aid, loadFile: LoadFile }, closed), { minItems: 1, maxItems: 8 }),
    ),
    /** What install() gets, the value of C9. */
    parameters: Type.String({ pattern: '^([0-9A-F]{2}){0,180}$' }),
    /** Absent: INSTALL makes it selectable. */
    selectable: Type.Optional(Type.Literal(false)),
    relayId: Type.String({ pattern: '^[A-Za-z0-9._:-]{8,128}$' }),
  },
  closed,
);
export type ApplicationRequest = Static<typeof ApplicationRequest>;

/**
 * POST /v1/application-removals on `issuer`, by a provider, header `idempotency-key`: DELETE of the instance, and of
 * its load file where nothing else is made of it. Its state is that of an application request.
 */
export const ApplicationRemoval = Type.Object(
  {
    ...Type.Pick(ApplicationRequest, ['cardId', 'productId', 'ssdAid', 'loadFileAid', 'instanceAid', 'relayId'])
      .properties,
    /** Load files that came with it, in the order in which they were loaded. */
    libraryAids: Type.Optional(Type.Array(Aid, { minItems: 1, maxItems: 8 })),
    /** Nothing of the product is left on the card after this one. */
    last: Type.Boolean(),
  },
  closed,
);
export type ApplicationRemoval = Static<typeof ApplicationRemoval>;

/** Why a request ended. */
const ApplicationProblem = Type.Object(
  {
    ...Problem.properties,
    /** No try of the request has changed something on the card. */
    untouched: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: true },
);
export type ApplicationProblem = Static<typeof ApplicationProblem>;

/** GET /v1/application-requests/{id}?waitMs=..&afterStep=.. */
export const ApplicationRequestState = Type.Object(
  {
    requestId: Type.String({ maxLength: 128 }),
    state: FlowState,
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    problem: Type.Optional(ApplicationProblem),
  },
  closed,
);
export type ApplicationRequestState = Static<typeof ApplicationRequestState>;

/** POST /v1/deployments on `provider`, header `idempotency-key`: brings a product onto the card in this reader. */
export const StartDeployment = Type.Object({ productId: ProductId, terminalId: Name, readerName: Name }, closed);
export type StartDeployment = Static<typeof StartDeployment>;

export const ServiceInstance = Type.Object(
  {
    instanceId: Type.String({ maxLength: 64 }),
    productId: ProductId,
    cardId: CardId,
    serial: Type.String({ pattern: '^[0-9A-F]{16}$' }),
    state: Type.Integer({ minimum: 1, maximum: 25 }),
    productState: ProductState,
  },
  closed,
);
export type ServiceInstance = Static<typeof ServiceInstance>;

export const DeploymentState = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: FlowState,
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    instance: Type.Optional(ServiceInstance),
    problem: Type.Optional(Problem),
  },
  closed,
);
export type DeploymentState = Static<typeof DeploymentState>;

/** POST /v1/top-ups on `provider`, header `idempotency-key`. An amount of 0 settles and reads the purse. */
export const StartTopUp = Type.Object(
  {
    productId: ProductId,
    cardId: CardId,
    amount: AmountInCents,
    terminalId: Name,
    readerName: Name,
    /** As an app has named application and domain: an AID is that of the product. */
    appId: Type.Optional(Name),
    domain: Type.Optional(Name),
  },
  closed,
);
export type StartTopUp = Static<typeof StartTopUp>;

export const TopUpState = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: FlowState,
    outcome: Type.Optional(Type.Union([Type.Literal('credited'), Type.Literal('read'), Type.Literal('refused')])),
    balanceBefore: Type.Optional(AmountInCents),
    balanceAfter: Type.Optional(AmountInCents),
    tacVerified: Type.Optional(Type.Boolean()),
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    problem: Type.Optional(Problem),
  },
  closed,
);
export type TopUpState = Static<typeof TopUpState>;

/** GET /v1/ledger/{serial} on `provider`: what was booked against what the purse last said under a MAC. */
export const Ledger = Type.Object(
  {
    serial: Type.String({ pattern: '^[0-9A-F]{16}$' }),
    /**
     * Sum of the loads that are done, less that of the purchases: below zero when a purchase of somebody else's money
     * was brought.
     */
    platform: Type.Integer(),
    loads: Type.Integer({ minimum: 0 }),
    /** Sum of the purchases that terminals have brought, cents. */
    purchases: Type.Integer({ minimum: 0 }),
    /** Loads whose outcome is not known yet. */
    open: Type.Integer({ minimum: 0 }),
    /** Absent until the purse was read. */
    card: Type.Optional(
      Type.Object({ balance: AmountInCents, counter: Type.Integer({ minimum: 0 }), at: Type.String() }, closed),
    ),
    equal: Type.Boolean(),
  },
  closed,
);
export type Ledger = Static<typeof Ledger>;

/** GET /v1/cards/{kind}/{value}/products on `issuer`: an array of these. */
export const CardProduct = Type.Object({ productId: ProductId, providerId: Name, state: ProductState }, closed);
export type CardProduct = Static<typeof CardProduct>;

/** PUT /v1/products/{productId} on `issuer`. */
export const ProductRegistration = Type.Object(
  { providerId: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }) },
  closed,
);

/** GET /v1/products on `issuer`: an array of these. */
export const RegisteredProduct = Type.Object({ productId: ProductId, providerId: Name }, closed);
export type RegisteredProduct = Static<typeof RegisteredProduct>;

/**
 * POST /v1/load-permits on `issuer`, by the provider before it credits: no loss report is answered while one is open.
 */
export const TakePermit = Type.Object({ cardId: CardId, productId: ProductId }, closed);
export const Permit = Type.Object(
  { permitId: Type.String({ maxLength: 128 }), validMs: Type.Integer({ minimum: 1 }) },
  closed,
);
export type TakePermit = Static<typeof TakePermit>;
export type Permit = Static<typeof Permit>;

/** POST /v1/loss-reports on `issuer`, header `idempotency-key`. */
export const StartLossReport = Type.Object(
  {
    cardId: CardId,
    /** Absent: all of the card. */
    productIds: Type.Optional(Type.Array(ProductId, { minItems: 1, maxItems: 64 })),
    reason: Type.Union([Type.Literal('lost'), Type.Literal('stolen')]),
    reportedBy: Name,
  },
  closed,
);
export type StartLossReport = Static<typeof StartLossReport>;

export const LossReport = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    cardId: CardId,
    state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
    productIds: Type.Array(ProductId, { maxItems: 100_000 }),
    /** True when the providers of all these products have taken the change over. */
    synchronised: Type.Boolean(),
  },
  closed,
);
export type LossReport = Static<typeof LossReport>;

const At = Type.String({ maxLength: 32 });
/** GET /v1/loss-reports on `issuer`: an array of these. */
export const LossReportEntry = Type.Object(
  {
    ...Type.Omit(LossReport, ['synchronised']).properties,
    reason: Type.String({ maxLength: 64 }),
    reportedBy: Type.String({ maxLength: 200 }),
    at: At,
  },
  closed,
);
export type LossReportEntry = Static<typeof LossReportEntry>;

/** Which loads a clerk looks for: not settled yet, or done without a TAC that proves them to the purse's operator. */
export const LoadFilter = Type.Union([Type.Literal('reserved'), Type.Literal('no-tac')]);
export type LoadFilter = Static<typeof LoadFilter>;

/** GET /v1/loads on `provider`: an array of these. */
export const Load = Type.Object(
  {
    loadId: Type.String({ pattern: '^[0-9]{1,19}$' }),
    topUpId: Type.String({ maxLength: 128 }),
    serial: Type.String({ maxLength: 16 }),
    /** Cents. */
    amount: Type.Integer({ minimum: 1 }),
    state: Type.Union([Type.Literal('reserved'), Type.Literal('done'), Type.Literal('reversed')]),
    counter: Type.Integer({ minimum: 0 }),
    at: At,
    settledAt: Type.Optional(At),
  },
  closed,
);
export type Load = Static<typeof Load>;

/**
 * POST /v1/product-state-changes on `provider`, by its issuer: repeated until it is acknowledged, in order of
 * `sequence`.
 */
export const ProductStateChange = Type.Object(
  {
    /** When it was made, in microseconds: another change under the same number has another one. */
    eventId: Type.String({ pattern: '^[0-9]{1,18}$' }),
    cardId: CardId,
    productId: ProductId,
    from: ProductState,
    to: ProductState,
    /** From 1 up without gaps, for this card and this provider. */
    sequence: Type.Integer({ minimum: 1 }),
    /** With TERMINATED: the card that takes the place of this one. Who does not know the field gets it without. */
    replacedBy: Type.Optional(CardId),
  },
  closed,
);
export type ProductStateChange = Static<typeof ProductStateChange>;

/**
 * Why a provider is told all states of a card at once: it has not got all changes (its database is older than the
 * issuer's), or it has got others than the issuer knows (the issuer's is older).
 */
const SnapshotReason = Type.Union([Type.Literal('sequence-gap'), Type.Literal('other-history')]);

/**
 * PUT /v1/product-states/{kind}/{value} on `provider`, by its issuer: takes the place of the changes up to `sequence`.
 */
export const ProductStateSnapshot = Type.Object(
  {
    reason: SnapshotReason,
    products: Type.Array(Type.Object({ productId: ProductId, state: ProductState }, closed), { maxItems: 5_000 }),
    /** Number of the last change that is in it. */
    sequence: Type.Integer({ minimum: 0 }),
    /** Of that change; absent where there was none. */
    eventId: Type.Optional(ProductStateChange.properties.eventId),
    /** As in a change: what of this is TERMINATED comes onto that card. */
    replacedBy: Type.Optional(CardId),
  },
  closed,
);
export type ProductStateSnapshot = Static<typeof ProductStateSnapshot>;

/**
 * A product of a card that another one replaces (SE_RENEWED). It waits until its user or an operator has agreed, is
 * taken where the new card has the product already, and ends when it is deployed there or was given up.
 */
export const RenewalState = Type.Union([
  Type.Literal('waiting'),
  Type.Literal('agreed'),
  Type.Literal('taken'),
  Type.Literal('done'),
  Type.Literal('failed'),
]);
export type RenewalState = Static<typeof RenewalState>;

/**
 * How far the balance of a purse has come: nothing was in it, it was taken off the old card, it is on the new one, or
 * an operator has ended it where it was owed.
 */
const MovedBalanceState = Type.Union([
  Type.Literal('empty'),
  Type.Literal('debiting'),
  Type.Literal('debited'),
  Type.Literal('credited'),
  Type.Literal('given-up'),
]);

const MovedBalance = Type.Object(
  {
    state: MovedBalanceState,
    amount: AmountInCents,
    /**
     * Of a load that pays what is owed, or was given up: only its card knows whether it was made, or it was. With
     * `given-up` and `done` the card has come after all, and a clerk has paid it too.
     */
    load: Type.Optional(Type.Union([Type.Literal('reserved'), Type.Literal('done')])),
  },
  closed,
);

/** GET /v1/renewals on `provider`: an array of these. */
export const Renewal = Type.Object(
  {
    /** That on the old card. */
    instanceId: Type.String({ maxLength: 64 }),
    productId: ProductId,
    oldCard: CardId,
    newCard: CardId,
    state: RenewalState,
    /** Flows on the new card that have come to their end, and what could not be begun. */
    attempts: Type.Integer({ minimum: 0 }),
    /** Why the last one came to nothing, or why none was begun: `card-away` while nobody knows where the card is. */
    reason: Type.Optional(Type.String({ maxLength: 300 })),
    /** When the old card is looked for next, to take off what is left there; absent: nothing is looked for. */
    clearAt: Type.Optional(Type.String({ maxLength: 32 })),
    /** Of a purse, once its old card was met: what is owed while it is `debited`; `debiting`: only the card knows. */
    balance: Type.Optional(MovedBalance),
    at: Type.String({ maxLength: 32 }),
  },
  closed,
);
export type Renewal = Static<typeof Renewal>;

/** POST /v1/renewals/{instanceId}/agreement on `provider`: it may go onto the new card, in this reader where named. */
export const AgreeToRenewal = Type.Object(
  { reader: Type.Optional(Type.Object({ terminalId: Name, readerName: Name }, closed)) },
  closed,
);
export type AgreeToRenewal = Static<typeof AgreeToRenewal>;
