// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Aid, CardId, Hex, Name, Problem } from './common.ts';
import { StepRecord } from './key-distribution.ts';
import { ProductId } from './platform.ts';

/**
 * Delegated management: what a provider changes in its own domain by tokens of the issuer.
 *
 * @see GPCS 2.3.1 9.2.1, C.4, C.5
 */

const closed = { additionalProperties: false } as const;

const install = {
  act: Type.Literal('install'),
  loadFileAid: Aid,
  moduleAid: Aid,
  instanceAid: Aid,
  /** What install() gets, the value of C9. */
  parameters: Type.String({ pattern: '^([0-9A-F]{2}){0,127}$' }),
  /** Absent: INSTALL makes it selectable. */
  selectable: Type.Optional(Type.Literal(false)),
};
const remove = { act: Type.Literal('delete'), aid: Aid, related: Type.Boolean() };
const extradite = { act: Type.Literal('extradite'), aid: Aid, to: Aid };

/** One command that wants a token: what the issuer decides on and signs. No privileges are given by delegation. */
export const DelegatedAct = Type.Union([
  Type.Object(
    { act: Type.Literal('load'), loadFileAid: Aid, hash: Type.String({ pattern: '^([0-9A-F]{2}){32}$' }) },
    closed,
  ),
  Type.Object(install, closed),
  Type.Object(remove, closed),
  Type.Object(extradite, closed),
]);
export type DelegatedAct = Static<typeof DelegatedAct>;

/** POST /v1/content-tokens on `issuer`, by a provider, header `idempotency-key`. */
export const ContentTokenRequest = Type.Object(
  {
    cardId: CardId,
    ssdAid: Aid,
    act: DelegatedAct,
    /** The product that this belongs to: with an install it may be on the card from now on. */
    productId: Type.Optional(ProductId),
    /** With a delete: nothing else of the product is left on the card. */
    last: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type ContentTokenRequest = Static<typeof ContentTokenRequest>;

export const GrantedToken = Type.Object(
  {
    tokenId: Type.String({ maxLength: 128 }),
    /** Content of B6 in the command: IIN and CIN of the card, the provider, and the token's number. */
    names: Hex,
    token: Hex,
  },
  closed,
);
export type GrantedToken = Static<typeof GrantedToken>;

/** POST /v1/content-tokens/{tokenId}/receipt: what the card answered; absent when the answer is lost. */
export const ReportReceipt = Type.Object({ confirmation: Type.Optional(Hex) }, closed);
export type ReportReceipt = Static<typeof ReportReceipt>;

const counter = Type.Integer({ minimum: 0, maximum: 0xffff });

/** `unproved`: nothing of the card's proves the act; its counter tells when there was one. */
export const ReceiptState = Type.Object(
  { state: Type.Union([Type.Literal('confirmed'), Type.Literal('unproved')]), counter: Type.Optional(counter) },
  closed,
);
export type ReceiptState = Static<typeof ReceiptState>;

/** GET /v1/cards/{kind}/{value}/content-tokens on `issuer`, by an operator: in the order they were given. */
export const ContentTokenList = Type.Object(
  {
    tokens: Type.Array(
      Type.Object(
        {
          tokenId: Type.String({ maxLength: 128 }),
          providerId: Name,
          ssdAid: Aid,
          act: DelegatedAct,
          state: Type.Union([Type.Literal('issued'), Type.Literal('confirmed'), Type.Literal('unproved')]),
          counter: Type.Optional(counter),
          /** The card takes it no more: its token key is another one. */
          ended: Type.Optional(Type.Literal(true)),
        },
        closed,
      ),
    ),
    /** Counters below the highest that no receipt came for: an answer was lost, or a token used twice. */
    missing: Type.Array(counter),
  },
  closed,
);
export type ContentTokenList = Static<typeof ContentTokenList>;

/** POST /v1/cards/{kind}/{value}/content-tokens/end on `issuer`, by an operator: the card has another token key. */
export const EndTokens = Type.Object({ reason: Type.String({ minLength: 1, maxLength: 200 }) }, closed);
export const EndedTokens = Type.Object({ ended: Type.Integer({ minimum: 0 }) }, closed);
export type EndedTokens = Static<typeof EndedTokens>;

/** POST /v1/content-changes on `provider`, header `idempotency-key`: one act in the domain on a reader's card. */
export const StartContentChange = Type.Object(
  {
    terminalId: Name,
    readerName: Name,
    act: Type.Union([
      Type.Object(
        {
          act: Type.Literal('load'),
          loadFileAid: Aid,
          /** Load file data block; it goes in 256 blocks at most. */
          loadFile: Type.String({ pattern: '^([0-9A-F]{2}){1,57000}$' }),
        },
        closed,
      ),
      Type.Object(install, closed),
      Type.Object(remove, closed),
      Type.Object(extradite, closed),
    ]),
  },
  closed,
);
export type StartContentChange = Static<typeof StartContentChange>;

/** GET /v1/content-changes/{id}?waitMs=..&afterStep=.. */
export const ContentChangeState = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    tokenId: Type.Optional(Type.String({ maxLength: 128 })),
    receipt: Type.Optional(ReceiptState),
    /** The card's answer, with its receipt: what proves the act to the issuer. */
    confirmation: Type.Optional(Hex),
    problem: Type.Optional(Problem),
  },
  closed,
);
export type ContentChangeState = Static<typeof ContentChangeState>;
