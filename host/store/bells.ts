// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { connectionOptions } from './database.ts';

/**
 * Waiting without asking again and again: whoever changes something rings its bell, whoever waits for it is woken.
 * Between nodes the ring goes by NOTIFY over one listening connection of each daemon.
 */

const CHANNEL = 'opentsm';
/** A server that hears nothing more of a node frees its name. */
const SERVER_KEEPS_ALIVE = `SELECT set_config('tcp_keepalives_idle', '10', false),
  set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`;
const TRY_LOCK = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken';
/** Waits a second for each to end: its lock goes with it. */
const END_OWN = `SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
  WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`;
const ASK_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Rings of one turn of the event loop, and those that follow at once, are heard together. */
const GATHER_MS = 5;
/** News that only somebody who watches is interested in are told together. */
const NEWS_MS = 100;
/** A reason that costs nothing: without one, each end of a wait makes an exception with its stack. */
const HEARD = 'waited';

export class Bells {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #rung = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  readonly #later = new Map<string, NodeJS.Timeout>();

  /** Wakes everybody who waits for this bell in this process. */
  ring(name: string): void {
    if (!this.#waiting.has(name)) return;
    this.#rung.add(name);
    this.#timer ??= setTimeout(() => this.#wake(), GATHER_MS);
  }

  /** The same, a little later, together with the news that follow: whoever watches asks once for all of them. */
  news(name: string): void {
    if (!this.#waiting.has(name) || this.#later.has(name)) return;
    const tell = () => {
      this.#later.delete(name);
      this.ring(name);
    };
    this.#later.set(name, setTimeout(tell, NEWS_MS).unref());
  }

  /** Wakes everybody: what happened meanwhile is not known. */
  ringAll(): void {
    for (const name of this.#waiting.keys()) this.ring(name);
  }

  #wake(): void {
    this.#timer = undefined;
    for (const name of this.#rung) for (const wake of this.#waiting.get(name) ?? []) wake();
    this.#rung.clear();
  }

  /** Resolves at the next ring, after `ms`, or when the signal fires. */
  heard(name: string, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiters);
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        waiters.delete(done);
        if (waiters.size === 0 && this.#waiting.get(name) === waiters) this.#waiting.delete(name);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiters.add(done);
      if (signal?.aborted === true) done();
      else signal?.addEventListener('abort', done, { once: true });
    });
  }
}

/** Reads until the value is what is waited for or the time is over; between reads it waits for the bell. */
export async function readUntil<T>(
  bells: Bells,
  name: string,
  read: () => Promise<T>,
  wait: { readonly done: (value: T) => boolean; readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<T> {
  const deadline = performance.now() + wait.waitMs;
  for (;;) {
    // The bell is heard from before the read on: a change in between is not missed.
    const stop = new AbortController();
    const signal = wait.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, wait.signal]);
    const rung = bells.heard(name, Math.max(0, deadline - performance.now()), signal);
    try {
      const value = await read();
      if (wait.done(value) || performance.now() >= deadline || wait.signal?.aborted === true) return value;
      await rung;
    } finally {
      stop.abort(HEARD);
    }
  }
}

export interface BellsByDatabaseOptions {
  readonly url: string;
  readonly onError: (error: Error) => void;
  /** Session lock that this connection keeps, and what to do when another process has it. */
  readonly lock?: { readonly key: string; readonly taken: () => void };
  /** How often the connection is tried out; 30 s when absent. */
  readonly askMs?: number;
}

/** The bells of all nodes on one database. */
export class BellsByDatabase implements AsyncDisposable {
  readonly bells = new Bells();
  readonly #options: BellsByDatabaseOptions;
  /** By this name the server knows the connections of this process, those too that have gone silent. */
  readonly #name = `opentsm bells ${randomUUID().slice(0, 13)}`;
  /** A connection of ours that has gone silent keeps the lock: it is tried again. */
  #lockDue = false;
  #client: pg.Client | undefined;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  private constructor(options: BellsByDatabaseOptions) {
    this.#options = options;
  }

  /** Connects and listens. @throws what the driver throws when the first connection fails */
  static async listen(options: BellsByDatabaseOptions): Promise<BellsByDatabase> {
    const listener = new BellsByDatabase(options);
    await listener.#connect();
    return listener;
  }

  async #connect(): Promise<void> {
    const client = this.#newClient();
    try {
      await this.#begin(client);
    } catch (error) {
      // It may have the node's name already.
      void client.end().catch(() => {});
      throw error;
    }
    if (this.#closed) return void client.end().catch(() => {});
    this.#client = client;
    this.#ask(client);
    this.bells.ringAll();
  }

  #newClient(): pg.Client {
    const client = new pg.Client(connectionOptions(this.#options.url, this.#name));
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the listening connection ended')));
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.bells.ring(payload);
    });
    return client;
  }

  async #begin(client: pg.Client): Promise<void> {
    await client.connect();
    await client.query(SERVER_KEEPS_ALIVE);
    await this.#takeLock(client);
    await client.query(`LISTEN ${CHANNEL}`);
  }

  /** What the server still has of ours, a connection that has gone silent, is ended first: it may keep the lock. */
  async #takeLock(client: pg.Client): Promise<void> {
    const { lock } = this.#options;
    if (lock === undefined) return;
    const ended = await client.query(END_OWN);
    const { rows } = await client.query<{ taken: boolean }>(TRY_LOCK, [lock.key]);
    const isOurs = rows[0]?.taken === true;
    this.#lockDue = !isOurs && ended.rows.length > 0;
    if (!isOurs && !this.#lockDue) lock.taken();
  }

  /** Nobody rings on a connection that has gone silent: whether the other end is there is asked. */
  #ask(client: pg.Client): void {
    const again = setTimeout(async () => {
      if (this.#client !== client) return;
      try {
        await (this.#lockDue ? this.#takeLock(client) : client.query('SELECT 1'));
        this.#ask(client);
      } catch (error) {
        this.#lost(client, error instanceof Error ? error : new Error(String(error)));
      }
    }, this.#options.askMs ?? ASK_MS);
    again.unref();
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#closed || this.#client !== client) return;
    this.#client = undefined;
    this.#options.onError(error);
    void client.end().catch(() => {});
    this.#again(FIRST_PAUSE_MS);
  }

  #again(pauseMs: number): void {
    this.#retry = setTimeout(() => {
      if (this.#closed) return;
      this.#connect().catch((error: Error) => {
        this.#options.onError(error);
        this.#again(Math.min(LONGEST_PAUSE_MS, pauseMs * 2));
      });
    }, pauseMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    this.bells.ringAll();
    await client?.end().catch(() => {});
  }
}

export const BELL_CHANNEL = CHANNEL;
