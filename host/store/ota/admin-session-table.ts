// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { BELL_CHANNEL } from '../bells.ts';
import { databaseError } from '../database.ts';

/**
 * Sessions of remote administration: where each card is in its scripts, so that any node answers its next POST.
 * Each change is one statement that names the state it expects: of two nodes that try, one succeeds.
 */

/**
 * `idle` nothing offered yet, `offered` a script waits for the card, `sent` the card has it, `answered` its result is
 * here, `lost` the card has run it and its result cannot be had any more, `ended`.
 */
export type AdminState = 'idle' | 'offered' | 'sent' | 'answered' | 'lost' | 'ended';

export interface AdminSessionRow {
  readonly sessionId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly fence: number;
  /** Whom TLS must name. */
  readonly pskIdentity: string;
  /** Number of the last script that was offered, from 1. */
  readonly script: number;
  readonly state: AdminState;
  readonly body: Uint8Array | null;
  /** Commands after whose answer a script goes on though it is not 9000, where the agent knows how. */
  readonly goesOn: string | null;
  /** X-Admin-Script-Status of the result, and its body. */
  readonly status: string | null;
  readonly result: Uint8Array | null;
  /** What the channel has carried for this script. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Since its last script was sent or answered, in milliseconds. */
  readonly silentMs: number;
}

export interface AdminSessionKey {
  readonly terminalId: string;
  readonly readerName: string;
  readonly fence: number;
}

/** Rings when a session goes on, at every node. */
export const adminBell = (sessionId: string): string => `administration ${sessionId}`;

const COLUMNS = sql.raw(`session_id AS "sessionId", terminal_id AS "terminalId", reader_name AS "readerName",
  fence::int AS fence, psk_identity AS "pskIdentity", script, state, body, goes_on AS "goesOn", status, result,
  bytes_out::int AS "bytesOut", bytes_in::int AS "bytesIn",
  extract(epoch FROM now() - at)::float8 * 1000 AS "silentMs"`);

export class AdminSessionTable {
  readonly #database: Kysely<unknown>;

  constructor(database: Kysely<unknown>) {
    this.#database = database;
  }

  /**
   * The session of this fence; made when there is none, and anew when it is another agent's that got nothing. What
   * older fences had on this reader ends.
   */
  async open(key: AdminSessionKey, sessionId: string, pskIdentity: string): Promise<AdminSessionRow | undefined> {
    const { terminalId, readerName, fence } = key;
    const place = sql`terminal_id = ${terminalId} AND reader_name = ${readerName}`;
    await this.#change(sql`UPDATE admin_sessions SET state = 'ended', body = NULL, result = NULL
      WHERE ${place} AND fence < ${fence} AND state <> 'ended'`);
    await this.#change(sql`INSERT INTO admin_sessions (session_id, terminal_id, reader_name, fence, psk_identity, state)
      VALUES (${sessionId}, ${terminalId}, ${readerName}, ${fence}, ${pskIdentity}, 'idle')
      ON CONFLICT (terminal_id, reader_name, fence) DO UPDATE SET session_id = ${sessionId},
        psk_identity = ${pskIdentity}, script = 0, state = 'idle', body = NULL, result = NULL, at = now()
      WHERE admin_sessions.psk_identity <> ${pskIdentity} AND admin_sessions.state = 'ended'
        AND admin_sessions.script = 1`);
    return this.#one(sql`${place} AND fence = ${fence}`);
  }

  async find(sessionId: string): Promise<AdminSessionRow | undefined> {
    return this.#one(sql`session_id = ${sessionId}`);
  }

  async ofFence({ terminalId, readerName, fence }: AdminSessionKey): Promise<AdminSessionRow | undefined> {
    return this.#one(sql`terminal_id = ${terminalId} AND reader_name = ${readerName} AND fence = ${fence}`);
  }

  /** The next script; its number, or undefined when the session is in no state for one. */
  async offer(sessionId: string, body: Uint8Array, goesOn: string | undefined): Promise<number | undefined> {
    return this.#change(sql`UPDATE admin_sessions SET script = script + 1, state = 'offered', body = ${body},
        goes_on = ${goesOn ?? null}, status = NULL, result = NULL, bytes_out = 0, bytes_in = 0
      WHERE session_id = ${sessionId} AND state IN ('idle', 'answered')`);
  }

  /** The script of this number goes to the card; again when the card says that it did not get it. */
  async send(sessionId: string, script: number): Promise<number | undefined> {
    return this.#change(sql`UPDATE admin_sessions SET state = 'sent', at = now()
      WHERE session_id = ${sessionId} AND script = ${script} AND state IN ('offered', 'sent')`);
  }

  /** Takes an offer back. Undefined when the card has it already. */
  async withdraw(sessionId: string, script: number): Promise<number | undefined> {
    return this.#change(sql`UPDATE admin_sessions SET state = 'ended', body = NULL
      WHERE session_id = ${sessionId} AND script = ${script} AND state = 'offered'`);
  }

  /** The result of the script of this number; only the first one counts. */
  async answer(
    sessionId: string,
    script: number,
    { status, result }: { readonly status: string; readonly result: Uint8Array },
  ): Promise<number | undefined> {
    return this.#change(sql`UPDATE admin_sessions SET state = 'answered', status = ${status}, result = ${result},
        body = NULL, at = now() WHERE session_id = ${sessionId} AND script = ${script} AND state = 'sent'`);
  }

  /** The card has run the script of this number, and its connection broke before it could tell. */
  async lose(sessionId: string, script: number): Promise<number | undefined> {
    return this.#change(sql`UPDATE admin_sessions SET state = 'lost', body = NULL
      WHERE session_id = ${sessionId} AND script = ${script} AND state = 'sent'`);
  }

  /** Adds to what the channel has carried for the script at hand. */
  async carried(
    sessionId: string,
    { bytesOut, bytesIn }: Pick<AdminSessionRow, 'bytesOut' | 'bytesIn'>,
  ): Promise<void> {
    await guarded(() =>
      sql`UPDATE admin_sessions SET bytes_out = bytes_out + ${bytesOut}, bytes_in = bytes_in + ${bytesIn}
        WHERE session_id = ${sessionId}`.execute(this.#database),
    );
  }

  /** Ends the sessions of this fence and of older ones on its reader. */
  async end({ terminalId, readerName, fence }: AdminSessionKey): Promise<void> {
    await this.#change(sql`UPDATE admin_sessions SET state = 'ended', body = NULL, result = NULL
      WHERE terminal_id = ${terminalId} AND reader_name = ${readerName} AND fence <= ${fence} AND state <> 'ended'`);
  }

  /** Forgets sessions of long ago. */
  async prune(): Promise<void> {
    await guarded(() => sql`DELETE FROM admin_sessions WHERE at < now() - interval '1 day'`.execute(this.#database));
  }

  /** Number of the script of the last row that changed. */
  async #change(statement: RawBuilder<unknown>): Promise<number | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ script: number }>`WITH changed AS (${statement} RETURNING session_id, script)
        SELECT script, pg_notify(${BELL_CHANNEL}, 'administration ' || session_id) FROM changed`.execute(
        this.#database,
      );
      return rows.at(-1)?.script;
    });
  }

  async #one(where: RawBuilder<unknown>): Promise<AdminSessionRow | undefined> {
    return guarded(async () => {
      const { rows } = await sql<AdminSessionRow>`SELECT ${COLUMNS} FROM admin_sessions WHERE ${where}`.execute(
        this.#database,
      );
      return rows[0];
    });
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
