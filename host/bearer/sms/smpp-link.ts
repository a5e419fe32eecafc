// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { TransportError } from '../../errors.ts';
import { SmppConnection, type SmppConnectionOptions } from './smpp-connection.ts';
import type { SmppMessage } from './smpp-pdu.ts';
import { TokenBucket } from './token-bucket.ts';

/** A connection to an SMSC that is kept up, with a window and a rate. */

export interface SmppLinkOptions extends SmppConnectionOptions {
  /** Messages that may be without their answer; default 10. */
  readonly window?: number;
  /** Messages a second in the mean, of all nodes together; default as many as the window allows. */
  readonly messagesPerSecond?: number;
  readonly onState?: (state: SmppState) => void;
  /** Pause before the first new try, doubled up to a minute; default 500. */
  readonly retryMs?: number;
  /** Waits between two connections, until the signal fires at the latest; default by the clock. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type SmppState =
  | { readonly kind: 'bound' }
  | { readonly kind: 'away'; readonly reason: string }
  /** The SMSC does not take this system id or password, or no message by it: a person must look. */
  | { readonly kind: 'refused'; readonly reason: string };

const WINDOW = 10;
const RETRY_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** How long nothing is sent after the SMSC says that it has no room; doubled up to a minute. */
const THROTTLE_MS = 1_000;

export class SmppLink implements AsyncDisposable {
  readonly #options: SmppLinkOptions;
  readonly #closing = new AbortController();
  readonly #bucket: TokenBucket | undefined;
  readonly #turns: { readonly priority: number; readonly go: () => void }[] = [];
  readonly #run: Promise<void>;
  #free: number;
  #connection: SmppConnection | undefined;
  /** Whether the SMSC has taken a message on this connection. */
  #hasTaken = false;
  #state: SmppState = { kind: 'away', reason: 'not connected yet' };
  #throttle = { untilMs: 0, lastMs: 0 };
  readonly #hearers: (() => void)[] = [];

  constructor(options: SmppLinkOptions) {
    this.#options = options;
    this.#free = options.window ?? WINDOW;
    const { messagesPerSecond: rate } = options;
    this.#bucket = rate === undefined ? undefined : new TokenBucket(rate);
    this.#run = this.#keepUp();
  }

  /** The rate is that of the server: so many nodes take an equal part of it. */
  shareRate(nodes: number): void {
    const { messagesPerSecond: rate } = this.#options;
    if (rate !== undefined) this.#bucket?.change(rate / Math.max(1, nodes));
  }

  get state(): SmppState {
    return this.#state;
  }

  get isAway(): boolean {
    return this.#state.kind !== 'bound';
  }

  onBack(hear: () => void): void {
    this.#hearers.push(hear);
  }

  async #keepUp(): Promise<void> {
    const { retryMs = RETRY_MS, pause: wait = (ms, signal) => pause(ms, undefined, { signal }) } = this.#options;
    /** Connections in a row on which it was taken for not bound, and nothing was taken. */
    let forgotten = 0;
    for (let waitMs = retryMs; !this.#closing.signal.aborted; ) {
      try {
        this.#hasTaken = false;
        this.#connection = await SmppConnection.bind(this.#options);
        // The link may have been closed meanwhile.
        if (this.#closing.signal.aborted) await this.#connection[Symbol.asyncDispose]();
        this.#tell({ kind: 'bound' });
        await this.#over(this.#connection);
        forgotten = this.#connection.isForgotten && !this.#hasTaken ? forgotten + 1 : 0;
        // Another bind may do once; an SMSC that takes binds and no message is no better for many.
        if (forgotten < 2) waitMs = retryMs;
        const kind = forgotten < 2 ? 'away' : 'refused';
        this.#tell({ kind, reason: String(this.#connection.ended.reason) });
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        const kind = error.code === 'smsc-bind-refused' ? 'refused' : 'away';
        this.#tell({ kind, reason: error.message });
      }
      this.#connection = undefined;
      if (this.#closing.signal.aborted) return;
      // Many nodes that lose the same SMSC do not come back in one moment.
      await wait(waitMs * (0.5 + Math.random() / 2), this.#closing.signal).catch(() => {});
      waitMs = Math.min(LONGEST_PAUSE_MS, waitMs * 2);
    }
  }

  #over({ ended }: SmppConnection): Promise<void> {
    return new Promise((resolve) => {
      if (ended.aborted) resolve();
      ended.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #tell(state: SmppState): void {
    this.#state = state;
    this.#options.onState?.(state);
    if (state.kind === 'bound') for (const hear of this.#hearers) hear();
  }

  /**
   * As `SmppConnection.submit`, within window and rate; nothing is sent for a while after a general `smsc-busy`.
   *
   * @param leaving asked when the turn of the message has come: false takes it back, and nothing was sent
   */
  submit(message: SmppMessage): Promise<string>;
  submit(message: SmppMessage, leaving: () => Promise<boolean>): Promise<string | undefined>;
  async submit(message: SmppMessage, leaving?: () => Promise<boolean>): Promise<string | undefined> {
    const heldMs = this.#throttle.untilMs - performance.now();
    if (heldMs > 0) throw new TransportError('smsc-busy', 'the SMSC has no room now', { retryMs: Math.ceil(heldMs) });
    await this.#turn(message.priority ?? 0);
    try {
      const waitMs = this.#bucket?.take() ?? 0;
      if (waitMs > 0) await pause(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      this.#bound();
      if (leaving !== undefined && !(await leaving())) return undefined;
      const id = await this.#bound().submit(message);
      this.#throttle.lastMs = 0;
      this.#hasTaken = true;
      return id;
    } catch (error) {
      // A trouble of one message, or of its receiver, holds no other up.
      const full = error instanceof TransportError && error.code === 'smsc-busy' && !('retryMs' in error.context);
      if (full) this.#hold();
      throw error;
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#free += 1;
      else next.go();
    }
  }

  #bound(): SmppConnection {
    if (this.#connection === undefined) throw new TransportError('smsc-away', this.#reason());
    return this.#connection;
  }

  #reason(): string {
    return this.#state.kind === 'bound' ? 'the SMSC is away' : this.#state.reason;
  }

  #hold(): void {
    const ms = Math.min(LONGEST_PAUSE_MS, Math.max(THROTTLE_MS, this.#throttle.lastMs * 2));
    this.#throttle = { untilMs: performance.now() + ms, lastMs: ms };
  }

  /** The most urgent goes first, and of equals the one that came first. */
  async #turn(priority: number): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    const later = this.#turns.findIndex((other) => other.priority < priority);
    this.#turns.splice(later < 0 ? this.#turns.length : later, 0, { priority, go: turn.resolve });
    await turn.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort('closed');
    await this.#connection?.[Symbol.asyncDispose]();
    await this.#run;
  }
}
