// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { RegisterId } from './card-batches.ts';
import { Aid, CardId } from './common.ts';
import { ProductId } from './platform.ts';

/** Secure elements at the issuer: names, life cycle, and what was seen of them last. */

const closed = { additionalProperties: false } as const;

export const SecureElementState = Type.Union([
  Type.Literal('NEW'),
  Type.Literal('ACTIVE'),
  Type.Literal('BLOCKED'),
  Type.Literal('REPLACED'),
  Type.Literal('RETIRED'),
]);
export type SecureElementState = Static<typeof SecureElementState>;

/**
 * The ways in which a secure element is named: the number of a UICC, of an eUICC, the production data of a chip, and
 * the card unique data, which are IIN and CIN.
 */
export const NameKind = Type.Union([
  Type.Literal('iccid'),
  Type.Literal('eid'),
  Type.Literal('cplc'),
  Type.Literal('cud'),
]);
export type NameKind = Static<typeof NameKind>;
export const SecureElementName = Type.Object(
  {
    kind: NameKind,
    /** ICCID 18 to 20 digits (F for a filler), EID 32 digits, CPLC 84 hex digits, CUD hex IIN, '-', hex CIN. */
    value: Type.String({ pattern: '^[0-9A-F-]{4,100}$' }),
  },
  closed,
);
export type SecureElementName = Static<typeof SecureElementName>;

/** Any of its names, without the kind: no two kinds look alike. */
export const ElementParams = Type.Object({ name: SecureElementName.properties.value }, closed);

/** GET /v1/secure-elements/{name} on `issuer`. */
export const SecureElement = Type.Object(
  {
    /** By which the flows name it. */
    cardId: CardId,
    names: Type.Array(SecureElementName, { maxItems: 8 }),
    state: SecureElementState,
    modelId: Type.Optional(RegisterId),
    batchId: Type.Optional(RegisterId),
    /** Of one that is REPLACED. */
    replacedBy: Type.Optional(CardId),
    changedAt: Type.String({ maxLength: 32 }),
  },
  closed,
);
export type SecureElement = Static<typeof SecureElement>;

const SeenAt = Type.String({ maxLength: 32 });
const Bytes = Type.Integer({ minimum: 0, maximum: 2 ** 40 });

/** One thing on the card as last seen. @see GPCS 2.3.1 11.4 */
export const SeenEntry = Type.Object(
  {
    kind: Type.Union([Type.Literal('application'), Type.Literal('load-file')]),
    aid: Aid,
    /** Absent where the platform knows by what it did there, and no GET STATUS told it. */
    lifeCycle: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    /** Three bytes. */
    privileges: Type.Optional(Type.String({ pattern: '^[0-9A-F]{6}$' })),
    loadFile: Type.Optional(Aid),
    securityDomain: Type.Optional(Aid),
    version: Type.Optional(Type.String({ maxLength: 16 })),
  },
  closed,
);
export type SeenEntry = Static<typeof SeenEntry>;

/** GET /v1/secure-elements/{name}/registry on `issuer`: what was read from the card last, and when. */
export const SeenRegistry = Type.Object(
  {
    cardId: CardId,
    entries: Type.Array(Type.Object({ ...SeenEntry.properties, seenAt: SeenAt }, closed), { maxItems: 1_000 }),
    /** When all applications were read at once; what is not in the list was not there then. */
    readAt: Type.Optional(SeenAt),
    memory: Type.Optional(
      Type.Object(
        {
          applications: Type.Optional(Bytes),
          /** Free bytes. */
          persistent: Type.Optional(Bytes),
          volatile: Type.Optional(Bytes),
          seenAt: SeenAt,
        },
        closed,
      ),
    ),
  },
  closed,
);
export type SeenRegistry = Static<typeof SeenRegistry>;

/** POST /v1/secure-elements/{name}/state: providers hear of what it does to their products. */
export const MoveSecureElement = Type.Object(
  {
    state: SecureElementState,
    /** With REPLACED, and only there: the one that takes its place. */
    replacedBy: Type.Optional(CardId),
    reason: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\u0000-\\u001F]*$' })),
  },
  closed,
);
export type MoveSecureElement = Static<typeof MoveSecureElement>;

export const AttributeParams = Type.Object({ ...ElementParams.properties, productId: ProductId }, closed);

/** Private attributes of a product on a card, which the issuer keeps for itself. */
export const ProductAttributes = Type.Object(
  {
    /** Counts changes; a change names the version that it saw, 0 for the first. */
    version: Type.Integer({ minimum: 0 }),
    attributes: Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
      Type.String({ maxLength: 500, pattern: '^[^\\u0000]*$' }),
      { maxProperties: 64 },
    ),
  },
  closed,
);
export type ProductAttributes = Static<typeof ProductAttributes>;
