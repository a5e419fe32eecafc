// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { TransportError } from '../errors.ts';

/**
 * Which nodes of a daemon live. A node is one life of one process, `<node id>/<life>`; each writes a beat, and one
 * whose beat has stood still for long enough, by the clock of whoever watches it, is dead. No two clocks are compared:
 * one that is set kills nobody.
 */

export interface NodeBeatsOptions<T> {
  readonly database: Kysely<T>;
  /** Table with `owner` and `beat_at`. */
  readonly table: 'workflow_nodes' | 'ota_nodes';
  readonly owner: string;
  readonly deadAfterMs: number;
  /** Time in milliseconds that nobody sets; default the process's. */
  readonly now?: () => number;
}

export interface Beat {
  /** Nodes whose beat has stood still. */
  readonly dead: readonly string[];
  /** How many others there are, dead ones that were not found dead yet too. */
  readonly others: number;
  /** This node had no row: it is its first beat, or others had taken it for dead. */
  readonly wasForgotten: boolean;
}

interface Seen {
  readonly beat: string;
  readonly since: number;
}

/** A connection may have gone silent alone: another one is tried, and a third. */
const MOST_UNANSWERED = 3;

export class NodeBeats<T> {
  readonly #options: NodeBeatsOptions<T>;
  readonly #seen = new Map<string, Seen>();
  #unanswered = 0;

  constructor(options: NodeBeatsOptions<T>) {
    this.#options = options;
  }

  /**
   * Records that this node lives, and removes the rows of those that were found dead.
   *
   * @throws TransportError `database` while several beats before are not answered: they hold a connection each
   */
  async beat(): Promise<Beat> {
    if (this.#unanswered >= MOST_UNANSWERED)
      throw new TransportError('database', 'The database does not answer', { sqlState: 'no-answer' });
    this.#unanswered += 1;
    try {
      return await this.#beat();
    } finally {
      this.#unanswered -= 1;
    }
  }

  async #beat(): Promise<Beat> {
    const { database, table, owner, deadAfterMs, now = performance.now.bind(performance) } = this.#options;
    const { rows } = await sql<{ owner: string | null; beat: string; fresh: boolean }>`
      WITH alive AS (INSERT INTO ${sql.table(table)} (owner, beat_at) VALUES (${owner}, now())
        ON CONFLICT (owner) DO UPDATE SET beat_at = clock_timestamp() RETURNING xmax = 0 AS fresh)
      SELECT other.owner, other.beat_at::text AS beat, fresh
      FROM alive LEFT JOIN ${sql.table(table)} AS other ON other.owner <> ${owner}`.execute(database);
    const at = now();
    for (const known of [...this.#seen.keys()]) if (!rows.some((row) => row.owner === known)) this.#seen.delete(known);
    const dead: string[] = [];
    for (const { owner: other, beat } of rows) {
      if (other === null) continue;
      const seen = this.#seen.get(other);
      if (seen?.beat !== beat) this.#seen.set(other, { beat, since: at });
      else if (at - seen.since >= deadAfterMs && (await this.#bury(other, beat))) dead.push(other);
    }
    return { dead, others: this.#seen.size, wasForgotten: rows[0]?.fresh === true };
  }

  /** Only the beat that stood still is removed: a node that has just written another one lives. */
  async #bury(owner: string, beat: string): Promise<boolean> {
    const { database, table } = this.#options;
    const { rows } = await sql`DELETE FROM ${sql.table(table)}
      WHERE owner = ${owner} AND beat_at = ${beat}::timestamptz RETURNING owner`.execute(database);
    return rows.length > 0;
  }

  /** Forgets all lives of a node: it has started anew, or ends. */
  async forget(nodeId: string): Promise<void> {
    const { database, table } = this.#options;
    await sql`DELETE FROM ${sql.table(table)} WHERE split_part(owner, '/', 1) = ${nodeId}`.execute(database);
  }
}
