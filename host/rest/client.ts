// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import { Agent, errors, request } from 'undici';
import { PeerError, TransportError, TsmError, UsageError } from '../errors.ts';
import { traceparentOf, workNow } from '../trace.ts';
import { Problem } from '../wire/message/common.ts';
import { isRevoked, type Peer, peerUri, type TlsIdentity, wrongServer } from './identity.ts';
import { problemCode } from './problem.ts';
import { checkerOf } from './validation.ts';

export interface RestClientOptions {
  /** Address of the daemon, or of several of its nodes separated by a space: one that answers is kept to. */
  readonly baseUrl: string;
  readonly tls: TlsIdentity;
  /** Who must answer: the server certificate's URI name is compared, not its host name. */
  readonly expectedPeer: Peer;
  /** Default time for a whole request, answer included; default 30,000. */
  readonly timeoutMs?: number;
  /**
   * While an answer takes longer than this, the node is asked whether it lives, again after each such time; default
   * 5,000. One that does not say so three times running is gone, whatever TCP thinks.
   */
  readonly aliveEveryMs?: number;
  /** Longest answer; default 4 MiB. */
  readonly maxResponseBytes?: number;
}

export interface RestCall<S extends TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Absolute path; every variable part goes through encodeURIComponent at the caller. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** The answer must follow it. Absent when the route answers 204. */
  readonly response?: S;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /**
   * How many more times to try when the link fails, or the peer says 503: it cannot answer now, as when its database
   * is away. Only for calls that may safely run twice.
   */
  readonly retries?: number;
  readonly signal?: AbortSignal;
}

const SILENT_TIMES = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** A reason that costs nothing: without one, each end of a call makes an exception with its stack. */
const ENDED = new Error('the call was ended');

/** Calls one daemon over mutually authenticated TLS. */
export class RestClient implements AsyncDisposable {
  readonly #options: RestClientOptions;
  readonly #addresses: readonly string[];
  /** The node that is asked. */
  #at: number;
  #agent: Agent;
  #made: { readonly version: number | undefined; serverEnds: number };

  constructor(options: RestClientOptions) {
    this.#options = options;
    this.#addresses = options.baseUrl.split(' ');
    // Many clients spread over the nodes.
    this.#at = randomInt(this.#addresses.length);
    this.#made = { version: options.tls.version, serverEnds: Number.POSITIVE_INFINITY };
    this.#agent = this.#newAgent();
  }

  #newAgent(): Agent {
    const { tls, expectedPeer } = this.#options;
    const { key, certificate: cert, authority: ca } = tls;
    this.#made = { version: tls.version, serverEnds: Number.POSITIVE_INFINITY };
    const made = this.#made;
    return new Agent({
      connect: {
        key,
        cert,
        ca,
        minVersion: 'TLSv1.3',
        timeout: 5_000,
        checkServerIdentity: (_host, found) => {
          made.serverEnds = Math.min(made.serverEnds, Date.parse(found.valid_to));
          if (isRevoked(tls, found)) {
            return Object.assign(new Error('the server certificate is revoked'), { code: 'CERT_REVOKED' });
          }
          return wrongServer(expectedPeer, found.subjectaltname);
        },
      },
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16_384,
      maxResponseSize: this.#maxResponseBytes,
    });
  }

  /** Connections that were made with other certificates, or whose server's has ended, are not used again. */
  #freshAgent(): Agent {
    const { version, serverEnds } = this.#made;
    if (version !== this.#options.tls.version || serverEnds <= Date.now()) {
      // What is under way on the old connections may finish.
      void this.#agent.close().catch(() => undefined);
      this.#agent = this.#newAgent();
    }
    return this.#agent;
  }

  /**
   * Sends one request and returns the checked answer.
   *
   * @throws PeerError the peer answered with a problem document (code of its type, with status,
   *   detail and numeral in the context), or with something else than its contract says
   * @throws TransportError `peer-unreachable` (not sent, to no node), `connection-lost` or `time-over` (sent, outcome
   *   unknown): the next call goes to another node
   */
  async call<S extends TSchema>(call: RestCall<S>): Promise<Static<S>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#toNode(call);
      } catch (error) {
        const again = isPassing(error) && attempt < (call.retries ?? 0) && call.signal?.aborted !== true;
        if (!again) throw error;
        await delay(pauseAfter(attempt, error));
      }
    }
  }

  /** Goes on to the next node while one surely did nothing with the call. */
  async #toNode<S extends TSchema>(call: RestCall<S>): Promise<Static<S>> {
    for (let tried = 1; ; tried += 1) {
      const at = this.#at;
      try {
        return await this.#once(call, this.#addresses[at] ?? '');
      } catch (error) {
        const away = error instanceof TransportError && error.code !== 'aborted';
        const stops = error instanceof PeerError && error.code === 'draining';
        if ((away || stops) && this.#at === at) this.#at = (at + 1) % this.#addresses.length;
        const untouched = stops || (error instanceof TransportError && error.code === 'peer-unreachable');
        if (!untouched || tried >= this.#addresses.length) throw error;
      }
    }
  }

  async #once<S extends TSchema>(call: RestCall<S>, address: string): Promise<Static<S>> {
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    const work = workNow();
    const end = new CallEnd({
      timeoutMs,
      aliveEveryMs: this.#aliveEveryMs,
      lives: () => this.#lives(address),
      ...(call.signal === undefined ? {} : { caller: call.signal }),
    });
    try {
      const { statusCode, headers, body } = await request(urlOf(address, call), {
        method: call.method,
        dispatcher: this.#freshAgent(),
        signal: end.signal,
        headers: {
          ...call.headers,
          accept: 'application/json, application/problem+json',
          ...(work === undefined ? {} : { traceparent: traceparentOf(work) }),
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      const text = await body.text();
      if (statusCode >= 300) throw this.#refusal(statusCode, String(headers['content-type'] ?? ''), text, call);
      return this.#answer(call, statusCode, text);
    } catch (error) {
      throw this.#typed(error, call, end.timedOut, timeoutMs);
    } finally {
      end.over();
    }
  }

  get #maxResponseBytes(): number {
    return this.#options.maxResponseBytes ?? 4_194_304;
  }

  get #aliveEveryMs(): number {
    return this.#options.aliveEveryMs ?? 5_000;
  }

  /** Any answer will do. A signal would not end a request whose connection is not there yet. */
  #lives(address: string): Promise<boolean> {
    const asked = request(new URL('/health/live', address), { dispatcher: this.#freshAgent() });
    const answered = asked
      .then(({ body }) => body.dump())
      .then(
        () => true,
        () => false,
      );
    return Promise.race([answered, delay(this.#aliveEveryMs, false, { ref: false })]);
  }

  #answer<S extends TSchema>(call: RestCall<S>, status: number, text: string): Static<S> {
    if (call.response === undefined) return undefined as Static<S>;
    const checker = checkerOf(call.response);
    const value = parseJson(text);
    if (checker.is(value)) return value;
    const fields = checker.errors(value, 4).map(({ field, message }) => `${field} ${message}`);
    throw new PeerError(
      'peer-answer',
      `${this.#name(call)} answered against its contract: ${fields.join(', ').slice(0, 500)}`,
      { status },
    );
  }

  #refusal(status: number, mediaType: string, text: string, call: RestCall<TSchema>): PeerError {
    const value = mediaType.startsWith('application/problem+json') ? parseJson(text) : undefined;
    const checker = checkerOf(Problem);
    if (!checker.is(value))
      return new PeerError('peer-answer', `${this.#name(call)} answered ${status} without a problem document`, {
        status,
      });
    const { type, title, detail, numeral } = value;
    return new PeerError(problemCode(type), detail ?? title, {
      type,
      status,
      detail,
      numeral,
      peer: peerUri(this.#options.expectedPeer),
    });
  }

  #typed(error: unknown, call: RestCall<TSchema>, timedOut: boolean, timeoutMs: number): TsmError {
    if (error instanceof TsmError) return error;
    const name = this.#name(call);
    const code = String((error as { code?: unknown }).code ?? '');
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      const limit = this.#maxResponseBytes;
      return new PeerError('peer-answer', `the answer is longer than ${limit} bytes`, { limit });
    }
    if (timedOut)
      return new TransportError('time-over', `${name} did not answer within ${timeoutMs} ms`, { timeoutMs }, error);
    if (call.signal?.aborted === true) return new TransportError('aborted', `${name} was given up`, {}, error);
    if (
      error instanceof errors.ConnectTimeoutError ||
      /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ERR_TLS|PEER_IDENTITY|CERT_|DEPTH_|SELF_|UNABLE_)/.test(code)
    ) {
      return new TransportError('peer-unreachable', `${name} cannot be reached: ${code}`, { cause: code }, error);
    }
    if (error instanceof TypeError)
      return new UsageError('bad-call', `${name} cannot be called: ${error.message}`, {}, error);
    return new TransportError(
      'connection-lost',
      `${name}: the connection failed, the outcome is unknown (${code})`,
      { cause: code },
      error,
    );
  }

  #name(call: RestCall<TSchema>): string {
    return `${peerUri(this.#options.expectedPeer)} ${call.method} ${call.path}`;
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** True when the link to the peer failed, or what the peer needs for an answer: the same call may succeed later. */
export const isPassing = (error: unknown): boolean =>
  error instanceof TransportError || (error instanceof PeerError && error.context.status === 503);

/** Codes of a peer that has too much to do: whoever asks again at once gives it more. */
const OVERLOADED: readonly string[] = ['overloaded', 'kms-busy'];

/**
 * Milliseconds; drawn, so that those whom one break has met do not all come back at once.
 *
 * @param attempt tries before this one, from 0
 * @param error what that one threw
 */
export function pauseAfter(attempt: number, error: unknown): number {
  const isLong = error instanceof PeerError && OVERLOADED.includes(error.code);
  const most = isLong ? LONGEST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return randomInt(most / 2, most + 1);
}

interface CallEndOptions {
  readonly timeoutMs: number;
  readonly aliveEveryMs: number;
  /** Whether the node says so. */
  readonly lives: () => Promise<boolean>;
  readonly caller?: AbortSignal;
}

/** Ends a call that takes too long, that its caller gives up, or whose node does not answer any more. */
class CallEnd {
  readonly #controller = new AbortController();
  readonly #options: CallEndOptions;
  readonly #limit: NodeJS.Timeout;
  readonly #giveUp = () => this.#controller.abort(ENDED);
  #alive: NodeJS.Timeout | undefined;
  #silent = 0;
  #over = false;
  timedOut = false;

  constructor(options: CallEndOptions) {
    this.#options = options;
    const { timeoutMs, caller } = options;
    this.#limit = setTimeout(() => {
      this.timedOut = true;
      this.#giveUp();
    }, timeoutMs);
    if (caller?.aborted === true) this.#giveUp();
    else caller?.addEventListener('abort', this.#giveUp, { once: true });
    this.#again();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #again(): void {
    if (!this.#over) this.#alive = setTimeout(() => void this.#ask(), this.#options.aliveEveryMs).unref();
  }

  async #ask(): Promise<void> {
    this.#silent = (await this.#options.lives()) ? 0 : this.#silent + 1;
    if (this.#silent >= SILENT_TIMES) this.#giveUp();
    else this.#again();
  }

  /** The answer is there. */
  over(): void {
    this.#over = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#alive);
    this.#options.caller?.removeEventListener('abort', this.#giveUp);
  }
}

function urlOf(address: string, call: RestCall<TSchema>): URL {
  const url = new URL(call.path, address);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
