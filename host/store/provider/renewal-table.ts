// SPDX-License-Identifier: Apache-2.0
import type { ColumnType } from 'kysely';
import type { RenewalState } from '../../wire/message/platform.ts';

/** The table of renewals. */

export const RENEWALS_SQL = `
  CREATE TABLE renewals (
    instance_id text PRIMARY KEY, product_id text NOT NULL, old_card text NOT NULL, new_card text NOT NULL,
    version_tag text, suspended boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'agreed', 'taken', 'done', 'failed')),
    terminal_id text, reader_name text, attempts integer NOT NULL DEFAULT 0, looks integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(), reason text, at timestamptz NOT NULL DEFAULT now(),
    CHECK ((terminal_id IS NULL) = (reader_name IS NULL))
  );
  CREATE UNIQUE INDEX renewals_one_open ON renewals (new_card, product_id) WHERE state IN ('waiting', 'agreed');
  CREATE INDEX renewals_due ON renewals (due_at) WHERE state = 'agreed';
`;

/**
 * The issuer may have named a wrong card: what waits for one does not keep others from it. The reader of the attempt
 * that is under way stays its own wherever the card is meanwhile.
 */
export const RENEWAL_ATTEMPTS_SQL = `
  DROP INDEX renewals_one_open;
  CREATE UNIQUE INDEX renewals_one_agreed ON renewals (new_card, product_id) WHERE state = 'agreed';
  ALTER TABLE renewals ADD COLUMN tried_terminal_id text, ADD COLUMN tried_reader_name text,
    ADD CHECK ((tried_terminal_id IS NULL) = (tried_reader_name IS NULL));
`;

/** What a service has left on the old card is taken off when that turns up; null: nothing is to be done about it. */
export const RENEWAL_CLEARING_SQL = `
  ALTER TABLE renewals ADD COLUMN clear_at timestamptz, ADD COLUMN clear_tries integer NOT NULL DEFAULT 0,
    ADD COLUMN clear_away boolean NOT NULL DEFAULT false;
  CREATE INDEX renewals_clearing ON renewals (clear_at);
`;

/**
 * A month from the first look on, whoever looks how often; the reader of the termination that is under way is kept.
 * What is looked for already begins its month anew. What is on its way is found by its old card.
 */
export const RENEWAL_CLEARING_TIME_SQL = `
  ALTER TABLE renewals ADD COLUMN clear_until timestamptz, ADD COLUMN clear_looks integer NOT NULL DEFAULT 0,
    ADD COLUMN clear_terminal_id text, ADD COLUMN clear_reader_name text,
    ADD CHECK ((clear_terminal_id IS NULL) = (clear_reader_name IS NULL));
  DROP INDEX renewals_clearing;
  CREATE INDEX renewals_clearing ON renewals (clear_at) WHERE clear_at IS NOT NULL;
  CREATE INDEX renewals_of_card ON renewals (old_card, product_id);
`;

export interface RenewalTables {
  renewals: {
    instance_id: string;
    product_id: string;
    old_card: string;
    new_card: string;
    /** Of a service; null for a product of the provider's own. */
    version_tag: string | null;
    /** By its provider. */
    suspended: boolean;
    state: RenewalState;
    terminal_id: string | null;
    reader_name: string | null;
    /** Of the attempt that is under way. */
    tried_terminal_id: string | null;
    tried_reader_name: string | null;
    attempts: number;
    /** How often nobody knew where the new card is. */
    looks: number;
    due_at: ColumnType<Date, never, Date>;
    /** When the old card is looked for next, to take off what is left there. */
    clear_at: ColumnType<Date | null, never, Date | null>;
    /** When that is given up; null before the first look. */
    clear_until: ColumnType<Date | null, never, Date | null>;
    /** Terminations there that failed. */
    clear_tries: number;
    /** How often nobody knew where it was, since its holder was last heard of. */
    clear_looks: number;
    /** Of the termination that is under way. */
    clear_terminal_id: string | null;
    clear_reader_name: string | null;
    /** Nobody knew where the old card was. */
    clear_away: boolean;
    reason: string | null;
    at: ColumnType<Date, never, never>;
  };
}
