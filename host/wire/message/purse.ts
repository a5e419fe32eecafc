// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Name } from './common.ts';

/** What the KMS does with the keys of purses, by name: cryptograms go in and out, keys never (docs/top-up.md). */

const closed = { additionalProperties: false } as const;

export const PurseSerial = Type.String({ pattern: '^[0-9A-F]{16}$' });
/** Cents. */
export const AmountInCents = Type.Integer({ minimum: 0, maximum: 0xffff_ffff });
export const AccountName = Type.Union([Type.Literal('deposit'), Type.Literal('purse')]);
export const TerminalIdHex = Type.String({ pattern: '^[0-9A-F]{12}$' });
/** YYYYMMDDhhmmss, UTC. */
export const DateTimeDigits = Type.String({ pattern: '^[0-9]{14}$' });
const Mac = Type.String({ pattern: '^[0-9A-F]{8}$' });
const Counter = Type.Integer({ minimum: 0, maximum: 0xffff });
export const PurseAlgorithmName = Type.Union([Type.Literal('3des'), Type.Literal('aes')]);

/** POST /v1/purse-key-sets: makes the master keys of a product, or returns those of that label when they are alike. */
export const CreatePurseKeySet = Type.Object({ label: Name, algorithm: PurseAlgorithmName }, closed);
export const PurseKeySetInfo = Type.Object(
  {
    label: Name,
    algorithm: PurseAlgorithmName,
    /** Of each kind of master key, three bytes. */
    checkValues: Type.Record(Type.String({ pattern: '^[a-z]{3,8}$' }), Type.String({ pattern: '^[0-9A-F]{6}$' })),
    createdAt: Type.String({ maxLength: 40 }),
  },
  closed,
);
export type CreatePurseKeySet = Static<typeof CreatePurseKeySet>;
export type PurseKeySetInfo = Static<typeof PurseKeySetInfo>;

/** A load as INITIALIZE FOR LOAD has opened it on the card. */
export const OpenedLoad = Type.Object(
  {
    keySet: Name,
    serial: PurseSerial,
    account: AccountName,
    amount: AmountInCents,
    terminal: TerminalIdHex,
    /** What the card answered. */
    balance: AmountInCents,
    counter: Counter,
    random: Mac,
    mac1: Mac,
  },
  closed,
);
export type OpenedLoad = Static<typeof OpenedLoad>;

/** POST /v1/purse/load-authorizations: MAC1 must verify, then MAC2 is given. Money is made here: each is audited. */
export const AuthorizeLoad = Type.Object({ load: OpenedLoad, dateTime: DateTimeDigits }, closed);
export const LoadAuthorization = Type.Object({ mac2: Mac }, closed);
export type AuthorizeLoad = Static<typeof AuthorizeLoad>;
export type LoadAuthorization = Static<typeof LoadAuthorization>;

/** POST /v1/purse/load-queries: does MAC1 verify? Nothing comes out that a card would take. */
export const LoadQuery = Type.Object({ load: OpenedLoad }, closed);
export type LoadQuery = Static<typeof LoadQuery>;

/** POST /v1/purse/load-certificates: does the TAC of a finished load verify? */
export const LoadCertificate = Type.Object(
  {
    keySet: Name,
    serial: PurseSerial,
    account: AccountName,
    amount: AmountInCents,
    terminal: TerminalIdHex,
    balanceAfter: AmountInCents,
    counterBefore: Counter,
    dateTime: DateTimeDigits,
    tac: Mac,
  },
  closed,
);
export type LoadCertificate = Static<typeof LoadCertificate>;

/** POST /v1/purse/purchase-certificates: does the TAC of a purchase verify, as its terminal brings it? */
export const PurchaseCertificate = Type.Object(
  {
    keySet: Name,
    serial: PurseSerial,
    account: AccountName,
    amount: AmountInCents,
    terminal: TerminalIdHex,
    terminalCounter: AmountInCents,
    dateTime: DateTimeDigits,
    tac: Mac,
    /** A purchase from the purse with records of compound applications: its TAC says type 09. */
    compound: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type PurchaseCertificate = Static<typeof PurchaseCertificate>;

/**
 * POST /v1/purse/debit-authorizations: MAC1 of a purchase by the provider itself, which takes the balance off a purse
 * whose card was replaced. `random` and `counter` (off-line) are what INITIALIZE FOR PURCHASE answered. Audited.
 */
export const AuthorizeDebit = Type.Object(
  {
    keySet: Name,
    serial: PurseSerial,
    account: AccountName,
    amount: AmountInCents,
    terminal: TerminalIdHex,
    terminalCounter: AmountInCents,
    counter: Counter,
    random: Mac,
    dateTime: DateTimeDigits,
  },
  closed,
);
export const DebitAuthorization = Type.Object({ mac1: Mac }, closed);
export type AuthorizeDebit = Static<typeof AuthorizeDebit>;
export type DebitAuthorization = Static<typeof DebitAuthorization>;

/** POST /v1/purchases on `provider`: one purchase as its terminal kept it. */
export const Purchase = Type.Object(
  {
    productId: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
    serial: PurseSerial,
    amount: AmountInCents,
    terminal: TerminalIdHex,
    /** Of the terminal, one up with each of its purchases. */
    terminalCounter: AmountInCents,
    dateTime: DateTimeDigits,
    tac: Mac,
    /** With records of compound applications. */
    compound: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type Purchase = Static<typeof Purchase>;

export const Verified = Type.Object({ verified: Type.Boolean() }, closed);
export type Verified = Static<typeof Verified>;
