// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { PolicyError } from '../errors.ts';
import type { CardId } from '../wire/message/common.ts';
import { cardIdOfText } from './card-id.ts';

/**
 * Failed authentications per card and key set, durable and shared by all nodes and users
 * (docs/design-rules.md section 2).
 */

export const AUTHENTICATION_FAILURES_SQL = `
  CREATE TABLE authentication_failures (
    card text NOT NULL,
    key_set text NOT NULL,
    failures integer NOT NULL,
    PRIMARY KEY (card, key_set)
  );
`;

export interface AuthenticationFailureTables {
  authentication_failures: { card: string; key_set: string; failures: number };
}

/** How often a card refused a key set since it last accepted it. */
export interface FailureCount {
  readonly cardId: CardId;
  readonly keySet: string;
  readonly failures: number;
}

/** We stop this many attempts before the card's own limit. */
const MARGIN = 2;

export class AuthenticationFailures {
  readonly #database: Kysely<AuthenticationFailureTables>;
  readonly #limit: number;

  /** @param limit failed attempts after which the card blocks the key set, by its profile */
  constructor(database: Kysely<AuthenticationFailureTables>, limit: number) {
    this.#database = database;
    this.#limit = limit;
  }

  /**
   * Counts an attempt as failed before it is made: a crash in between must not hide it.
   *
   * @param limit the card's own where its profile knows one; the lower of the two counts
   * @throws PolicyError `authentication-limit` two attempts before the card's limit
   */
  async begin(card: string, keySet: string, limit = this.#limit): Promise<void> {
    const most = Math.min(limit, this.#limit);
    const row = await this.#database
      .insertInto('authentication_failures')
      .values({ card, key_set: keySet, failures: 1 })
      .onConflict((conflict) =>
        conflict
          .columns(['card', 'key_set'])
          .doUpdateSet({ failures: sql`authentication_failures.failures + 1` })
          .where('authentication_failures.failures', '<', most - MARGIN),
      )
      .returning('failures')
      .executeTakeFirst();
    if (row !== undefined) return;
    throw new PolicyError(
      'authentication-limit',
      `Card ${card} refused ${most - MARGIN} authentications with key set ${keySet} and may block at ${most}. ` +
        'Find out why (wrong key, certificate or card), then reset the counter with DELETE /v1/authentication-failures/{kind}/{value}',
      { card, keySet },
    );
  }

  /** The card accepted: the count starts again. */
  async succeeded(card: string, keySet: string): Promise<void> {
    await this.#database
      .deleteFrom('authentication_failures')
      .where('card', '=', card)
      .where('key_set', '=', keySet)
      .execute();
  }

  /** The card never answered to the attempt, so it was none. */
  async withdrawn(card: string, keySet: string): Promise<void> {
    await this.#database
      .updateTable('authentication_failures')
      .set({ failures: sql`greatest(failures - 1, 0)` })
      .where('card', '=', card)
      .where('key_set', '=', keySet)
      .execute();
  }

  /** Counts above 0, highest first. */
  async list(limit: number): Promise<FailureCount[]> {
    const rows = await this.#database
      .selectFrom('authentication_failures')
      .selectAll()
      .where('failures', '>', 0)
      .orderBy('failures', 'desc')
      .orderBy('card')
      .limit(limit)
      .execute();
    return rows.map(({ card, key_set, failures }) => ({ cardId: cardIdOfText(card), keySet: key_set, failures }));
  }

  async count(card: string, keySet: string): Promise<number> {
    const row = await this.#database
      .selectFrom('authentication_failures')
      .select('failures')
      .where('card', '=', card)
      .where('key_set', '=', keySet)
      .executeTakeFirst();
    return row?.failures ?? 0;
  }
}
