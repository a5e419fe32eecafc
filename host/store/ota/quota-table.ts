// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { databaseError } from '../database-errors.ts';

/** What providers use of their quotas over all nodes of one OTA server. Time is the database's. */

export interface Waiting {
  /** Requests of the provider that wait at this node. */
  readonly waiting: number;
  /** Rises with each change at this node: what comes late does not replace what is newer. */
  readonly change: number;
}

export class QuotaTable {
  readonly #database: Kysely<unknown>;
  readonly #node: string;

  /** @param node this life of this node: what waits at it ends with it */
  constructor(database: Kysely<unknown>, node: string) {
    this.#database = database;
    this.#node = node;
  }

  /**
   * Takes up to `most` requests out of what the provider may make now: `requestsPerSecond` in the mean, twice as many
   * at once.
   *
   * @returns how many it got; 0 when it has to slow down
   */
  async take(providerId: string, requestsPerSecond: number, most: number): Promise<number> {
    const burst = 2 * requestsPerSecond;
    return guarded(async () => {
      await sql`INSERT INTO provider_rates (provider_id, allowance, at) VALUES (${providerId}, ${burst}, now())
        ON CONFLICT DO NOTHING`.execute(this.#database);
      // The row is read with its lock: nodes that ask at once share what is there.
      const { rows } = await sql<{ taken: number }>`
        WITH known AS (
          SELECT least(${burst}::float8, allowance + ${requestsPerSecond}::float8
            * greatest(0, extract(epoch FROM clock_timestamp() - at)::float8)) AS allowance
          FROM provider_rates WHERE provider_id = ${providerId} FOR UPDATE),
        part AS (SELECT allowance, least(${most}::float8, floor(allowance)) AS taken FROM known)
        UPDATE provider_rates SET allowance = part.allowance - part.taken, at = clock_timestamp()
        FROM part WHERE provider_id = ${providerId} RETURNING part.taken::int AS taken`.execute(this.#database);
      return rows[0]?.taken ?? 0;
    });
  }

  /** Says what waits here, unless more than `most` would wait over all nodes: then false, and nothing is changed. */
  async wait(providerId: string, { waiting, change }: Waiting, most: number): Promise<boolean> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`waiting of ${providerId}`}, 0))`.execute(
          transaction,
        );
        // A node that is gone may have had no time to say that nothing waits at it.
        const { rows } = await sql<{ others: number }>`SELECT coalesce(sum(waiting), 0)::int AS others
          FROM provider_waits WHERE provider_id = ${providerId} AND node <> ${this.#node}
            AND node IN (SELECT owner FROM ota_nodes)`.execute(transaction);
        if ((rows[0]?.others ?? 0) + waiting > most) return false;
        await this.#say(transaction, providerId, { waiting, change });
        return true;
      }),
    );
  }

  /** Says that fewer wait here now. */
  async waitsLess(providerId: string, now: Waiting): Promise<void> {
    await guarded(() => this.#say(this.#database, providerId, now));
  }

  async #say(database: Kysely<unknown>, providerId: string, { waiting, change }: Waiting): Promise<void> {
    await sql`INSERT INTO provider_waits (provider_id, node, waiting, change)
      VALUES (${providerId}, ${this.#node}, ${waiting}, ${change})
      ON CONFLICT (provider_id, node) DO UPDATE SET waiting = excluded.waiting, change = excluded.change
      WHERE provider_waits.change < excluded.change`.execute(database);
  }

  /** What waited at nodes that do not live waits no more. */
  async forgetDead(): Promise<void> {
    await guarded(() =>
      sql`DELETE FROM provider_waits WHERE node NOT IN (SELECT owner FROM ota_nodes)`.execute(this.#database),
    );
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
