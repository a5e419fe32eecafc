// SPDX-License-Identifier: Apache-2.0
import type { ColumnType } from 'kysely';

/** The table of instances whose applications are to be locked on their card, or free again. */

/** Those that were reported before are locked too. */
export const CARD_LOCKS_SQL = `
  CREATE TABLE card_locks (
    instance_id text PRIMARY KEY REFERENCES service_instances ON DELETE CASCADE, card text NOT NULL,
    locked boolean NOT NULL DEFAULT false, turn integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(), tries integer NOT NULL DEFAULT 0, looks integer NOT NULL DEFAULT 0,
    waits boolean NOT NULL DEFAULT false, terminal_id text, reader_name text, locking boolean,
    CHECK ((terminal_id IS NULL) = (reader_name IS NULL) AND (terminal_id IS NULL) = (locking IS NULL))
  );
  CREATE INDEX card_locks_due ON card_locks (due_at);
  CREATE INDEX card_locks_of_card ON card_locks (card);
  INSERT INTO card_locks (instance_id, card)
    SELECT instance_id, card FROM service_instances JOIN service_deployments USING (instance_id)
    WHERE product_state = 'INVALID' AND state IN (21, 22);
`;

/**
 * What broke half way may have left the card either way. Instances in error are locked too; those that were said to be
 * here go ahead of those that are looked for.
 */
export const CARD_LOCKS_UNSURE_SQL = `
  ALTER TABLE card_locks ALTER COLUMN locked DROP NOT NULL, ADD COLUMN hurried boolean NOT NULL DEFAULT false;
  UPDATE card_locks SET locked = NULL WHERE EXISTS (SELECT 1 FROM service_processes AS process
    WHERE process.instance_id = card_locks.instance_id AND process.state <> 'done');
  INSERT INTO card_locks (instance_id, card)
    SELECT instance_id, card FROM service_instances JOIN service_deployments USING (instance_id)
    WHERE product_state = 'INVALID' AND state IN (21, 22, 25) ON CONFLICT DO NOTHING;
  DROP INDEX card_locks_due;
  CREATE INDEX card_locks_due ON card_locks (hurried DESC, due_at);
`;

/** What failed of a link says nothing of the card: it is tried at each contact, however often that was. */
export const CARD_LOCK_REFUSALS_SQL = 'ALTER TABLE card_locks ADD COLUMN refusals integer NOT NULL DEFAULT 0;';

/** Whoever has the card makes it come and go as he likes: between tries that fail it rests. */
export const CARD_LOCK_REST_SQL = 'ALTER TABLE card_locks ADD COLUMN rest_until timestamptz NOT NULL DEFAULT now();';

export interface CardLockTables {
  card_locks: {
    instance_id: string;
    card: string;
    /**
     * For the issuer, as the card was left last: what a provider has suspended is none of this. null: what was to
     * switch it broke, and the card alone knows.
     */
    locked: ColumnType<boolean | null, boolean | undefined, boolean | null>;
    /** Flows that have come to their end: the next one is another. */
    turn: ColumnType<number, never, number>;
    due_at: ColumnType<Date, never, Date>;
    /** That failed one after the other. */
    tries: ColumnType<number, never, number>;
    /** Of the tries since the last success, those that the card itself has refused for good. */
    refusals: ColumnType<number, never, number>;
    looks: ColumnType<number, never, number>;
    /** No contact begins a try before. */
    rest_until: ColumnType<Date, never, Date>;
    /** For the next look or the next try, which a contact makes at once. */
    waits: ColumnType<boolean, never, boolean>;
    /** The card was said to be here, and nobody has looked since. */
    hurried: ColumnType<boolean, never, boolean>;
    /** Reader of the flow that is under way, and what that makes of the card. */
    terminal_id: ColumnType<string | null, never, string | null>;
    reader_name: ColumnType<string | null, never, string | null>;
    locking: ColumnType<boolean | null, never, boolean | null>;
  };
}
