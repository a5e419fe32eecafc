// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';

/** Schemas shared by the messages between platforms. Bytes travel as upper-case hex. */

export const Hex = Type.String({ pattern: '^([0-9A-F]{2})*$', maxLength: 8192 });
export const Aid = Type.String({ pattern: '^([0-9A-F]{2}){5,16}$' });
/** An answer of a card in as many short messages as are kept of one: 64 of 140 bytes. */
export const AnswerHex = Type.String({ pattern: '^([0-9A-F]{2})*$', maxLength: 17_920 });
/** Names of terminals, readers, providers, keys. */
export const Name = Type.String({ pattern: '^[A-Za-z0-9 ._:()\\[\\]#/-]{1,128}$' });
/** A subscriber's number, international, without `+`. @see ITU-T E.164 */
export const Msisdn = Type.String({ pattern: '^[1-9][0-9]{6,14}$' });
/** An idempotency key: it becomes the workflow's id. */
export const IdempotencyKey = Type.String({ pattern: '^[A-Za-z0-9._:-]{8,128}$' });
/** Certificate holder reference, 16 bytes (divergence: scp10.md 3.1 profile). */
export const HolderReference = Type.String({ pattern: '^[0-9A-F]{32}$' });
/** KVN and KID, one byte each. */
export const KeyReference = Type.String({ pattern: '^[0-9A-F]{4}$' });
export const StatusWordHex = Type.String({ pattern: '^[0-9A-F]{4}$' });

export const RsaPublicKey = Type.Object(
  {
    /** Modulus, big-endian, no leading zero byte. */
    modulus: Type.String({ pattern: '^([0-9A-F]{2}){64,512}$' }),
    exponent: Type.String({ pattern: '^([0-9A-F]{2}){1,4}$' }),
  },
  { additionalProperties: false },
);
export type RsaPublicKey = Static<typeof RsaPublicKey>;

/** How a card is named: by the first of these that the chip offers (key-distribution.md step 41). */
export const CardId = Type.Object(
  {
    kind: Type.Union([Type.Literal('iccid'), Type.Literal('iin-cin'), Type.Literal('cplc')]),
    /** ICCID: up to 20 digits. IIN+CIN: hex IIN, '-', hex CIN. CPLC: 84 hex digits. */
    value: Type.String({ pattern: '^[0-9A-F-]{4,100}$' }),
  },
  { additionalProperties: false },
);
export type CardId = Static<typeof CardId>;

/** RFC 9457 problem document. `type` is `urn:opentsm:problem:<code>`. */
export const Problem = Type.Object(
  {
    type: Type.String({ maxLength: 200 }),
    title: Type.String({ maxLength: 200 }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String({ maxLength: 2000 })),
    instance: Type.Optional(Type.String({ maxLength: 200 })),
    numeral: Type.Optional(Type.String({ maxLength: 8 })),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  { additionalProperties: true },
);
export type Problem = Static<typeof Problem>;
