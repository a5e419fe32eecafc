// SPDX-License-Identifier: Apache-2.0
import type { ColumnType, Generated } from 'kysely';
import type { BatchState } from '../../wire/message/card-batches.ts';
import type { IsdKeySet } from '../../wire/message/operator.ts';

/** Chip models, batches while they come in, and the names of secure elements. */

interface ChipModelTable {
  model_id: string;
  profile: string;
  maker: string;
  isd_aid: string;
  casd_aid: string | null;
  key_version: string;
}

interface CardBatchTable {
  batch_id: string;
  model_id: string;
  transport_key: string | null;
  storage_key: string;
  state: Generated<BatchState>;
  /** Set when it ends: the rows themselves are gone then. */
  rows: number | null;
  bad_rows: number | null;
  started_at: Generated<Date>;
  ended_at: Date | null;
}

/** Where an ISD of ours has its key. */
export interface OwnDomainKey {
  readonly reference: string;
  readonly modulus: string;
  readonly exponent: string;
}

interface CardBatchRowTable {
  batch_id: string;
  line: number;
  /** Null for a row that is bad. */
  card: string | null;
  names: string[] | null;
  isd_key_set: ColumnType<IsdKeySet | null, string | null, string | null>;
  isd_key: ColumnType<OwnDomainKey | null, string | null, string | null>;
}

interface CardBatchFaultTable {
  batch_id: string;
  line: number;
  code: string;
  message: string;
}

/** Every name of a card: `iccid:`, `eid:`, `cplc:`, `cud:`. */
interface CardNameTable {
  name: string;
  card: string;
}

export interface SecureElementTables {
  chip_models: ChipModelTable;
  card_batches: CardBatchTable;
  card_batch_rows: CardBatchRowTable;
  card_batch_faults: CardBatchFaultTable;
  card_names: CardNameTable;
}

/** Cards of before are in use: ACTIVE. */
export const SECURE_ELEMENTS_SQL = `
  CREATE TABLE chip_models (
    model_id text PRIMARY KEY, profile text NOT NULL, maker text NOT NULL, isd_aid text NOT NULL, casd_aid text,
    key_version text NOT NULL
  );
  CREATE TABLE card_batches (
    batch_id text PRIMARY KEY, model_id text NOT NULL REFERENCES chip_models, transport_key text,
    storage_key text NOT NULL, rows integer, bad_rows integer,
    state text NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'imported', 'refused', 'cancelled')),
    started_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz
  );
  CREATE TABLE card_batch_rows (
    batch_id text NOT NULL REFERENCES card_batches, line integer NOT NULL, card text, names text[],
    isd_key_set jsonb, isd_key jsonb, PRIMARY KEY (batch_id, line)
  );
  CREATE TABLE card_batch_faults (
    batch_id text NOT NULL REFERENCES card_batches, line integer NOT NULL, code text NOT NULL, message text NOT NULL,
    PRIMARY KEY (batch_id, line, code)
  );
  ALTER TABLE cards
    ADD COLUMN state text NOT NULL DEFAULT 'ACTIVE'
      CHECK (state IN ('NEW', 'ACTIVE', 'BLOCKED', 'REPLACED', 'RETIRED')),
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN model_id text REFERENCES chip_models, ADD COLUMN batch_id text REFERENCES card_batches,
    ADD COLUMN replaced_by text REFERENCES cards;
  CREATE INDEX cards_by_batch ON cards (batch_id) WHERE batch_id IS NOT NULL;
  CREATE TABLE card_names (name text PRIMARY KEY, card text NOT NULL REFERENCES cards);
  CREATE INDEX card_names_by_card ON card_names (card);
  INSERT INTO card_names (name, card) SELECT regexp_replace(card, '^iin-cin:', 'cud:'), card FROM cards;
  ALTER TABLE card_products ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN attributes_version integer NOT NULL DEFAULT 0;
`;
