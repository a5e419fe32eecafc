// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { TerminalInfo } from '../../wire/message/card-script.ts';
import { BELL_CHANNEL } from '../bells.ts';
import { databaseError } from '../database-errors.ts';

/** Which node holds the connection of which terminal: the newest connection counts. */

export interface TerminalRow {
  readonly terminalId: string;
  /** The life of the node, and where it answers the others. */
  readonly node: string;
  readonly address: string;
  readonly readers: TerminalInfo['readers'];
  readonly connectedAt: Date;
}

/** Rings at every node when a terminal connects, changes or leaves. */
export const terminalBell = (terminalId: string): string => `terminal ${terminalId}`;
/** Rings at every node when a terminal connects. */
export const attachedBell = (terminalId: string): string => `attached ${terminalId}`;

export class TerminalTable {
  readonly #database: Kysely<unknown>;
  readonly #node: string;

  constructor(database: Kysely<unknown>, node: string) {
    this.#database = database;
    this.#node = node;
  }

  /** The terminal is connected to this node from now on. */
  async attach(terminalId: string, address: string, readers: TerminalInfo['readers']): Promise<void> {
    await this.#write(
      terminalId,
      sql`INSERT INTO terminal_links (terminal_id, node, address, readers)
        VALUES (${terminalId}, ${this.#node}, ${address}, ${JSON.stringify(readers)}::jsonb)
        ON CONFLICT (terminal_id) DO UPDATE
          SET node = excluded.node, address = excluded.address, readers = excluded.readers, connected_at = now()
        RETURNING terminal_id`,
      attachedBell(terminalId),
    );
  }

  /** Its readers, as long as it is connected here. */
  async update(terminalId: string, readers: TerminalInfo['readers']): Promise<void> {
    await this.#write(
      terminalId,
      sql`UPDATE terminal_links SET readers = ${JSON.stringify(readers)}::jsonb
        WHERE terminal_id = ${terminalId} AND node = ${this.#node} RETURNING terminal_id`,
    );
  }

  /** It has left this node, unless it is at another already. */
  async detach(terminalId: string): Promise<void> {
    await this.#write(
      terminalId,
      sql`DELETE FROM terminal_links WHERE terminal_id = ${terminalId} AND node = ${this.#node} RETURNING terminal_id`,
    );
  }

  /** All have left this node: it stops. */
  async detachAll(): Promise<void> {
    await guarded(() =>
      sql`WITH gone AS (DELETE FROM terminal_links WHERE node = ${this.#node} RETURNING terminal_id)
        SELECT pg_notify(${BELL_CHANNEL}, 'terminal ' || terminal_id) FROM gone`.execute(this.#database),
    );
  }

  async #write(terminalId: string, statement: RawBuilder<unknown>, ...more: readonly string[]): Promise<void> {
    const bells = [terminalBell(terminalId), ...more];
    await guarded(() =>
      sql`WITH changed AS (${statement})
        SELECT pg_notify(${BELL_CHANNEL}, bell) FROM changed, unnest(${bells}::text[]) AS bell`.execute(this.#database),
    );
  }

  /** Where the terminal is, when it is at another node. */
  async elsewhere(terminalId: string): Promise<TerminalRow | undefined> {
    const rows = await this.#rows(sql`terminal_id = ${terminalId} AND node <> ${this.#node}`);
    return rows[0];
  }

  /** The same, of its readers the one of this name alone where it has it: a farm has many, and each script asks. */
  async readerElsewhere(terminalId: string, readerName: string): Promise<TerminalRow | undefined> {
    return guarded(async () => {
      const { rows } = await sql<TerminalRow>`
        SELECT terminal_id AS "terminalId", node, address, connected_at AS "connectedAt",
          coalesce((SELECT jsonb_agg(reader) FROM jsonb_array_elements(readers) reader
            WHERE reader ->> 'readerName' = ${readerName}), readers) AS readers
        FROM terminal_links WHERE terminal_id = ${terminalId} AND node <> ${this.#node}`.execute(this.#database);
      return rows[0];
    });
  }

  /** All terminals of other nodes. */
  async allElsewhere(): Promise<readonly TerminalRow[]> {
    return this.#rows(sql`node <> ${this.#node}`);
  }

  async #rows(where: RawBuilder<unknown>): Promise<TerminalRow[]> {
    return guarded(async () => {
      const { rows } = await sql<TerminalRow>`
        SELECT terminal_id AS "terminalId", node, address, readers, connected_at AS "connectedAt"
        FROM terminal_links WHERE ${where} ORDER BY terminal_id`.execute(this.#database);
      return rows;
    });
  }

  /** Forgets what was connected to nodes that do not live. */
  async forgetDead(): Promise<void> {
    await guarded(() =>
      sql`DELETE FROM terminal_links WHERE node NOT IN (SELECT owner FROM ota_nodes)`.execute(this.#database),
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
