// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { BELL_CHANNEL } from '../bells.ts';
import { databaseError } from '../database-errors.ts';

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
  /** How many POSTs have come to it: the last one has this number. */
  readonly posts: number;
}

export interface AdminSessionKey {
  readonly terminalId: string;
  readonly readerName: string;
  readonly fence: number;
}

export interface NewScript {
  readonly body: Uint8Array;
  /** Rules where it goes on, for an agent that knows them. */
  readonly goesOn?: string | undefined;
  /** An agent that may have it does not get it again: it may have run a half of it. */
  readonly once?: boolean | undefined;
}

/** What there may be news of: a script for the card, or its result; at every node. */
type News = 'offer' | 'result';

/** Rings for the card's POST that waits for a script. */
export const offerBell = (sessionId: string): string => `administration offer ${sessionId}`;

/** Rings for whoever waits for a script's result. */
export const resultBell = (sessionId: string): string => `administration result ${sessionId}`;

/** What a card's POST says. */
export interface AdminPost {
  /** Whom TLS named. */
  readonly pskIdentity: string;
  /** Number of the script that it has run. */
  readonly done: number;
  /** Of that script; undefined when it was lost with the connection. */
  readonly outcome: { readonly status: string; readonly result: Uint8Array } | undefined;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

const columns = (body: string) =>
  sql.raw(`session_id AS "sessionId", terminal_id AS "terminalId", reader_name AS "readerName",
  fence::int AS fence, psk_identity AS "pskIdentity", script, state, ${body} AS body, goes_on AS "goesOn", status,
  result, bytes_out::int AS "bytesOut", bytes_in::int AS "bytesIn",
  extract(epoch FROM now() - at)::float8 * 1000 AS "silentMs", posts`);
const COLUMNS = columns('body');

/** Readers of one agent. */
const MOST_OPEN = 16;

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

  /** What this identity has and what has not ended, the newest first. */
  async openOf(pskIdentity: string): Promise<readonly AdminSessionRow[]> {
    return guarded(async () => {
      const open = sql<AdminSessionRow>`SELECT ${COLUMNS} FROM admin_sessions
        WHERE psk_identity = ${pskIdentity} AND state NOT IN ('lost', 'ended')
        ORDER BY at DESC, fence DESC LIMIT ${MOST_OPEN}`;
      return (await open.execute(this.#database)).rows;
    });
  }

  async ofFence({ terminalId, readerName, fence }: AdminSessionKey): Promise<AdminSessionRow | undefined> {
    return this.#one(sql`terminal_id = ${terminalId} AND reader_name = ${readerName} AND fence = ${fence}`);
  }

  /** The next script of this agent's session; undefined when it has none, or none in a state for one. */
  async offer(
    { terminalId, readerName, fence, pskIdentity }: AdminSessionKey & Pick<AdminSessionRow, 'pskIdentity'>,
    { body, goesOn, once = false }: NewScript,
  ): Promise<Pick<AdminSessionRow, 'sessionId' | 'script'> | undefined> {
    return this.#change(
      sql`UPDATE admin_sessions SET script = script + 1, state = 'offered', body = ${body},
        goes_on = ${goesOn ?? null}, once = ${once}, status = NULL, result = NULL, bytes_out = 0, bytes_in = 0
      WHERE terminal_id = ${terminalId} AND reader_name = ${readerName} AND fence = ${fence}
        AND psk_identity = ${pskIdentity} AND state IN ('idle', 'answered')`,
      ['offer'],
    );
  }

  /**
   * Takes a card's POST in one statement: what the channel has carried, and the outcome of the script that it was sent;
   * only the first one counts. A script that goes once is lost when the card asks for it again: it may have run a half
   * of it. Undefined for another's session, or a number that it never had: a card stands after the
   * last script, or before it.
   */
  async post(sessionId: string, post: AdminPost): Promise<AdminSessionRow | undefined> {
    const { pskIdentity, done, outcome, bytesOut, bytesIn } = post;
    const taken = (value: unknown, other: string) => sql`CASE WHEN takes THEN ${value} ELSE s.${sql.raw(other)} END`;
    const unlessLost = taken(outcome === undefined ? 'lost' : 'answered', 'state');
    return this.#row(sql`WITH found AS (
        SELECT session_id AS id, state = 'sent' AND script = ${done} AS takes,
          state = 'sent' AND once AND script = ${done + 1} AS loses FROM admin_sessions
        WHERE session_id = ${sessionId} AND psk_identity = ${pskIdentity} AND script IN (${done}, ${done + 1})
        FOR UPDATE
      ), changed AS (
        UPDATE admin_sessions s SET posts = posts + 1,
          bytes_out = bytes_out + ${bytesOut}, bytes_in = bytes_in + ${bytesIn},
          state = CASE WHEN loses THEN 'lost' ELSE ${unlessLost} END,
          status = ${taken(outcome?.status ?? null, 'status')}, result = ${taken(outcome?.result ?? null, 'result')},
          body = CASE WHEN takes OR loses THEN NULL ELSE s.body END,
          at = CASE WHEN takes OR loses THEN now() ELSE s.at END
        FROM found WHERE s.session_id = found.id RETURNING s.*, takes OR loses AS ends
      )
      SELECT ${COLUMNS}, CASE WHEN ends THEN ${ring('result')} END FROM changed`);
  }

  /**
   * The script after this number goes to the card, again when it did not get it; else the session as it stands. One
   * that goes once is for the last POST alone, since the one before it may wait on a connection that is gone: all
   * others have the session without a body.
   *
   * @param posts number of the POST that asks
   */
  async send(
    sessionId: string,
    { done, posts }: { readonly done: number; readonly posts: number },
  ): Promise<AdminSessionRow | undefined> {
    return this.#row(sql`WITH before AS (
        SELECT session_id AS id, once AND posts > ${posts} AS late, state = 'sent' AND once AS gone FROM admin_sessions
        WHERE session_id = ${sessionId} AND script = ${done + 1} AND state IN ('offered', 'sent') FOR UPDATE
      ), sent AS (
        UPDATE admin_sessions SET at = CASE WHEN late OR gone THEN at ELSE now() END,
          state = CASE WHEN late THEN state ELSE 'sent' END
        FROM before WHERE session_id = before.id
        RETURNING admin_sessions.*, late OR gone AS others
      )
      SELECT ${columns('CASE WHEN others THEN NULL ELSE body END')} FROM sent
      UNION ALL SELECT ${COLUMNS} FROM admin_sessions
        WHERE session_id = ${sessionId} AND NOT EXISTS (SELECT FROM sent)`);
  }

  /** The connection for which a script that goes once was taken ended before a byte of it left: another one gets it. */
  async unsent(sessionId: string, script: number): Promise<void> {
    await this.#change(
      sql`UPDATE admin_sessions SET state = 'offered'
      WHERE session_id = ${sessionId} AND script = ${script} AND state = 'sent' AND once`,
      ['offer'],
    );
  }

  /** Takes an offer back. False when the card has it already. */
  async withdraw(sessionId: string, script: number): Promise<boolean> {
    const changed = await this.#change(sql`UPDATE admin_sessions SET state = 'ended', body = NULL
      WHERE session_id = ${sessionId} AND script = ${script} AND state = 'offered'`);
    return changed !== undefined;
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

  /** The last row that changed; a change that wakes nobody in particular wakes all. */
  async #change(statement: RawBuilder<unknown>, news: readonly News[] = ['offer', 'result']) {
    return guarded(async () => {
      const { rows } = await sql<Pick<AdminSessionRow, 'sessionId' | 'script'>>`
        WITH changed AS (${statement} RETURNING session_id, script)
        SELECT session_id AS "sessionId", script, ${sql.join(news.map(ring))} FROM changed`.execute(this.#database);
      return rows.at(-1);
    });
  }

  async #one(where: RawBuilder<unknown>): Promise<AdminSessionRow | undefined> {
    return this.#row(sql`SELECT ${COLUMNS} FROM admin_sessions WHERE ${where}`);
  }

  async #row(statement: RawBuilder<unknown>): Promise<AdminSessionRow | undefined> {
    return guarded(async () => (await sql<AdminSessionRow>`${statement}`.execute(this.#database)).rows[0]);
  }
}

const BELLS = { offer: offerBell(''), result: resultBell('') } as const;
const ring = (news: News) => sql`pg_notify(${BELL_CHANNEL}, ${BELLS[news]} || session_id)`;

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
