// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Aid, Name } from './common.ts';
import { KeyBlock, KeyLabel } from './managed-keys.ts';

/** Chip models, batches of cards with their keys, and how a batch is taken in. */

const closed = { additionalProperties: false } as const;
/** Name of a model or batch: stands in paths. */
export const RegisterId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
export const ModelParams = Type.Object({ modelId: RegisterId }, closed);
export const BatchParams = Type.Object({ batchId: RegisterId }, closed);

/** PUT /v1/chip-models/{modelId} on `issuer`: what all chips of one kind have in common. */
export const ChipModelRegistration = Type.Object(
  {
    /** Profile of cards whose ISD is their maker's (docs/cards.md), or `opentsm` for an ISD of ours. */
    profile: RegisterId,
    /** Who makes the secure element. */
    maker: Type.String({ pattern: '^[A-Za-z0-9 .,&()/_-]{1,100}$' }),
    isdAid: Aid,
    /** Where the chip has a controlling authority security domain. */
    casdAid: Type.Optional(Aid),
    /** KVN of the ISD's keys; 00 is the card's first set. Default 00. */
    keyVersion: Type.Optional(Type.String({ pattern: '^[0-9A-F]{2}$' })),
  },
  closed,
);
export type ChipModelRegistration = Static<typeof ChipModelRegistration>;
export const ChipModel = Type.Object({ modelId: RegisterId, ...ChipModelRegistration.properties }, closed);
export type ChipModel = Static<typeof ChipModel>;

/** POST /v1/card-batches */
export const StartCardBatch = Type.Object(
  {
    batchId: RegisterId,
    modelId: RegisterId,
    /** Label of the key in the issuer's KMS under which the maker sends the keys; absent for an ISD of ours. */
    transportKey: Type.Optional(KeyLabel),
    /** Label of the key in the issuer's KMS under which the keys are kept. Default `card-keys`. */
    storageKey: Type.Optional(KeyLabel),
  },
  closed,
);
export type StartCardBatch = Static<typeof StartCardBatch>;

/** Rows of a file as they stand there: what they must hold is checked row by row and told by line. */
export const CardBatchRows = Type.Object(
  {
    rows: Type.Array(
      Type.Object(
        {
          line: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
          values: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_]{1,32}$' }), Type.String({ maxLength: 2_048 }), {
            maxProperties: 16,
          }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 500 },
    ),
  },
  closed,
);
export type CardBatchRows = Static<typeof CardBatchRows>;
export type CardBatchRow = CardBatchRows['rows'][number];

/**
 * `receiving` until it is committed; `refused` when a row was bad: then no card of it is there. `cancelled` by an
 * operator.
 */
export const BatchState = Type.Union([
  Type.Literal('receiving'),
  Type.Literal('imported'),
  Type.Literal('refused'),
  Type.Literal('cancelled'),
]);
export type BatchState = Static<typeof BatchState>;

export const CardBatch = Type.Object(
  {
    batchId: RegisterId,
    modelId: RegisterId,
    state: BatchState,
    /** Rows that came so far, good and bad. */
    rows: Type.Integer({ minimum: 0 }),
    badRows: Type.Integer({ minimum: 0 }),
    startedAt: Type.String({ maxLength: 32 }),
    endedAt: Type.Optional(Type.String({ maxLength: 32 })),
  },
  closed,
);
export type CardBatch = Static<typeof CardBatch>;

/** GET /v1/card-batches/{batchId}/faults: by line, in pages. */
export const CardBatchFault = Type.Object(
  { line: Type.Integer(), code: Name, message: Type.String({ maxLength: 500 }) },
  closed,
);
export type CardBatchFault = Static<typeof CardBatchFault>;

/** ENC, MAC and DEK of one card's ISD, as TR-31 key blocks. */
export const CardKeyBlocks = Type.Object({ enc: KeyBlock, mac: KeyBlock, dek: KeyBlock }, closed);
export type CardKeyBlocks = Static<typeof CardKeyBlocks>;

/** POST /v1/card-key-translations on `kms`: from under the maker's transport key to under our own. */
export const TranslateCardKeys = Type.Object(
  {
    transportKey: KeyLabel,
    storageKey: KeyLabel,
    cards: Type.Array(CardKeyBlocks, { minItems: 1, maxItems: 500 }),
  },
  closed,
);
export type TranslateCardKeys = Static<typeof TranslateCardKeys>;

/** Under the storage key, whose version stands beside them. */
export const StoredCardKeys = Type.Object(
  { version: Type.Integer({ minimum: 1, maximum: 99 }), ...CardKeyBlocks.properties },
  closed,
);
export type StoredCardKeys = Static<typeof StoredCardKeys>;

/** One for each card, in order: its blocks, or why there are none. */
export const TranslatedCardKeys = Type.Object(
  {
    cards: Type.Array(
      Type.Union([
        Type.Object({ keyBlocks: StoredCardKeys }, closed),
        Type.Object({ code: Name, message: Type.String({ maxLength: 500 }) }, closed),
      ]),
      { maxItems: 500 },
    ),
  },
  closed,
);
export type TranslatedCardKeys = Static<typeof TranslatedCardKeys>;
