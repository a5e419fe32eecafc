// SPDX-License-Identifier: Apache-2.0
import type { ColumnType } from 'kysely';

/** The table of balances on their way from a card that was replaced to the new one. */

export const PURSE_MOVES_SQL = `
  ALTER TABLE product_flows DROP CONSTRAINT product_flows_kind_check,
    ADD CONSTRAINT product_flows_kind_check
      CHECK (kind IN ('deployment', 'top-up', 'content-change', 'balance-move'));
  CREATE TABLE purse_moves (
    instance_id text PRIMARY KEY, serial text NOT NULL,
    state text NOT NULL CHECK (state IN ('debiting', 'debited', 'credited', 'empty')),
    amount bigint NOT NULL CHECK (amount > 0 OR state = 'empty'),
    counter integer NOT NULL, offline_counter integer NOT NULL, terminal text NOT NULL, date_time text NOT NULL,
    tac text, at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state IN ('debited', 'credited')) = (tac IS NOT NULL))
  );
`;

/** What an operator has ended while it was owed was paid out by a clerk: it is paid by nobody else. */
export const PURSE_MOVES_ENDED_SQL = `
  ALTER TABLE purse_moves DROP CONSTRAINT purse_moves_state_check, DROP CONSTRAINT purse_moves_check1,
    ADD CONSTRAINT purse_moves_state_check
      CHECK (state IN ('debiting', 'debited', 'credited', 'given-up', 'empty')),
    ADD CONSTRAINT purse_moves_tac_check CHECK ((state IN ('debited', 'credited', 'given-up')) = (tac IS NOT NULL));
`;

export interface PurseMoveTables {
  purse_moves: {
    /** On the old card. */
    instance_id: string;
    serial: string;
    /** `debiting`: nobody but the card knows whether it was taken off. */
    state: 'debiting' | 'debited' | 'credited' | 'given-up' | 'empty';
    /** bigint: the driver gives text. */
    amount: ColumnType<string, number, never>;
    /** On-line counter: a load since would move it. */
    counter: number;
    offline_counter: number;
    /** Made for this debit alone. */
    terminal: string;
    date_time: string;
    tac: ColumnType<string | null, never, string>;
    at: ColumnType<Date, never, Date>;
  };
}
