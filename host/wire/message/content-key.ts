// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Hex, Name } from './common.ts';

/** What the KMS does with keys of content management, by name: tokens and receipts (GPCS 2.3.1 C.4, C.5). */

const closed = { additionalProperties: false } as const;

/** What a key is for: a KMS uses it for nothing else, and a card keeps each under a version of its own. */
export const ContentKeyUse = Type.Union([Type.Literal('token'), Type.Literal('receipt'), Type.Literal('dap')]);
export const ContentKeyAlgorithm = Type.Union([
  Type.Literal('rsa-1024'),
  Type.Literal('rsa-2048'),
  Type.Literal('p-256'),
  Type.Literal('aes-128'),
  Type.Literal('aes-256'),
  Type.Literal('3des'),
]);

/** POST /v1/content-keys: makes the key, or returns the one of that label when it is alike. */
export const CreateContentKey = Type.Object(
  { label: Name, use: ContentKeyUse, algorithm: ContentKeyAlgorithm },
  closed,
);
export const ContentKeyInfo = Type.Object(
  { label: Name, use: ContentKeyUse, algorithm: ContentKeyAlgorithm, createdAt: Type.String({ maxLength: 40 }) },
  closed,
);
export type CreateContentKey = Static<typeof CreateContentKey>;
export type ContentKeyInfo = Static<typeof ContentKeyInfo>;

/** INSTALL or DELETE as it will be sent, in clear and without its token. */
export const ContentCommand = Type.Object(
  {
    ins: Type.Union([Type.Literal(0xe4), Type.Literal(0xe6)]),
    p1: Type.Integer({ minimum: 0, maximum: 255 }),
    p2: Type.Integer({ minimum: 0, maximum: 255 }),
    data: Hex,
  },
  closed,
);
export type ContentCommand = Static<typeof ContentCommand>;

/** POST /v1/content-tokens: signs one command. Whoever has the token may have the card do that: each is audited. */
export const SignToken = Type.Object({ label: Name, command: ContentCommand }, closed);
export const ContentToken = Type.Object({ token: Hex }, closed);
export type SignToken = Static<typeof SignToken>;
export type ContentToken = Static<typeof ContentToken>;

/** POST /v1/content-receipts: is the confirmation the card's, for an act on these names? */
export const VerifyReceipt = Type.Object(
  {
    label: Name,
    /** What the card answered to the delegated command. */
    confirmation: Hex,
    /** AIDs of GPCS Tables C-5 and following, in their order. */
    names: Type.Array(Type.String({ pattern: '^([0-9A-F]{2}){5,16}$' }), { minItems: 1, maxItems: 4 }),
  },
  closed,
);
export const VerifiedReceipt = Type.Object(
  { verified: Type.Boolean(), counter: Type.Integer({ minimum: 0, maximum: 0xffff }) },
  closed,
);
export type VerifyReceipt = Static<typeof VerifyReceipt>;
export type VerifiedReceipt = Static<typeof VerifiedReceipt>;
