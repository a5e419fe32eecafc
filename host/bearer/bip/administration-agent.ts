// SPDX-License-Identifier: Apache-2.0
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';
import { Client } from 'undici';
import type { Secret } from '../../crypto/secret.ts';
import { TransportError, WireError } from '../../errors.ts';
import { fromHex } from '../../wire/hex.ts';
import type { TerminalExchange, TerminalResult, TerminalTrigger } from '../../wire/message/card-script.ts';
import {
  decodeAdminAnswer,
  encodeAdminRequest,
  type HeaderField,
  type ScriptStatus,
} from '../../wire/uicc/admin-http.ts';
import { decodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';
import { decodeAdminBody, encodeAdminResult, GOES_ON_FIELD, MAX_BODY } from './admin-script.ts';
import { CARD_TLS } from './tls-profile.ts';

/**
 * The administration agent of a terminal: a trigger makes it call the server, fetch scripts for a card in one of its
 * readers, and bring the results. It is the client of GlobalPlatform Amendment B 1.2, chapter 4.
 */

export interface AdministrationAgentOptions {
  /** Where the server's nodes listen; tried in turn. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly pskIdentity: string;
  readonly psk: Secret;
  /** Runs one script on the card that the trigger was for. */
  readonly run: (script: Omit<TerminalExchange, 'type' | 'id'>) => Promise<Omit<TerminalResult, 'type' | 'id'>>;
  readonly logger: FastifyBaseLogger;
  /** The pipe to a server, for those that have another than TCP. */
  readonly openChannel?: (server: { readonly host: string; readonly port: number }) => Duplex;
  /** How often a broken channel is opened again without an answer in between; default 5. */
  readonly retries?: number;
  /** Default 1,000. */
  readonly retryMs?: number;
}

type Trigger = Omit<TerminalTrigger, 'type'>;

interface Outcome {
  readonly status: ScriptStatus;
  readonly body?: Uint8Array;
}

const RETRIES = 5;
const RETRY_MS = 1_000;
const HANDSHAKE_MS = 15_000;
/** A server that is silent for so long is gone; it answers a POST that waits sooner. */
const INACTIVITY_MS = 60_000;

export class AdministrationAgent implements AsyncDisposable {
  readonly #options: AdministrationAgentOptions;
  /** The session of each reader. */
  readonly #sessions = new Map<
    string,
    { readonly fence: number; readonly stop: AbortController; ended: Promise<void> }
  >();
  #server = 0;

  constructor(options: AdministrationAgentOptions) {
    this.#options = options;
  }

  /** Begins a session; one of an older fence on the same reader ends. @throws WireError for a trigger without URI */
  start(trigger: Trigger): void {
    const uri = decodeAdminTrigger(fromHex(trigger.parameters, 1_024)).session?.http?.uri;
    if (uri === undefined) throw new WireError('trigger-uri', 'The trigger names no URI');
    const before = this.#sessions.get(trigger.readerName);
    if (before !== undefined && before.fence >= trigger.fence) return;
    before?.stop.abort('a newer session');
    const stop = new AbortController();
    const session = { fence: trigger.fence, stop, ended: Promise.resolve() };
    session.ended = this.#administer(trigger, uri, stop.signal)
      .catch((error: Error) => this.#options.logger.info({ reason: error.message }, 'administration session ended'))
      .finally(() => {
        if (this.#sessions.get(trigger.readerName) === session) this.#sessions.delete(trigger.readerName);
      });
    this.#sessions.set(trigger.readerName, session);
  }

  /** From the first POST to the server's end of the session. */
  async #administer(trigger: Trigger, firstUri: string, stop: AbortSignal): Promise<void> {
    const { retries = RETRIES, retryMs = RETRY_MS } = this.#options;
    let [uri, failures]: [string | undefined, number] = [firstUri, 0];
    let outcome: Outcome | undefined;
    let resume = false;
    let channel: ServerChannel | undefined;
    try {
      while (uri !== undefined && !stop.aborted) {
        try {
          channel ??= await this.#open(stop);
          const answer: ServerAnswer = await channel.post(uri, outcome, resume);
          [failures, resume, outcome] = [0, false, undefined];
          if (answer.body !== undefined) outcome = await this.#execute(trigger, answer.body, answer.goesOn);
          uri = answer.nextUri;
        } catch (error) {
          channel?.close();
          // A handshake that failed fails again: keys or versions do not fit.
          if (stop.aborted || isFinal(error) || failures >= retries) throw error;
          // A POST after a break has no results: they went with the channel.
          [channel, outcome, resume, failures] = [undefined, undefined, true, failures + 1];
          this.#server += 1;
          await pause(retryMs, undefined, { signal: stop });
        }
      }
    } finally {
      channel?.close();
    }
  }

  async #execute(trigger: Trigger, body: Uint8Array, goesOn: string | undefined): Promise<Outcome> {
    const { readerName, insertion, fence } = trigger;
    const commands = decodeAdminBody(body, goesOn);
    const { responses, failure } = await this.#options.run({ readerName, insertion, fence, commands });
    if (failure !== undefined) return { status: 'unavailable-se' };
    return { status: 'ok', body: encodeAdminResult(responses) };
  }

  async #open(stop: AbortSignal): Promise<ServerChannel> {
    const { servers, pskIdentity, psk, openChannel = openTcp } = this.#options;
    const server = servers[this.#server % servers.length];
    if (server === undefined) throw new WireError('administration-servers', 'There is no server to call');
    return ServerChannel.open({ pipe: openChannel(server), host: server.host, pskIdentity, psk, stop });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sessions = [...this.#sessions.values()];
    for (const { stop } of sessions) stop.abort('the terminal stops');
    await Promise.all(sessions.map(({ ended }) => ended));
    this.#options.psk.wipe();
  }
}

const openTcp = ({ host, port }: { readonly host: string; readonly port: number }): Duplex =>
  connectTcp({ host, port, noDelay: true });

const isFinal = (error: unknown): boolean =>
  error instanceof WireError || /^ERR_SSL_/.test(String((error as { code?: unknown }).code));

interface ServerAnswer {
  readonly body?: Uint8Array;
  readonly goesOn?: string;
  readonly nextUri?: string;
}

/** One TLS connection, and the POSTs over it. */
class ServerChannel {
  readonly #tls: TLSSocket;
  readonly #client: Client;
  readonly #from: string;

  private constructor(tls: TLSSocket, host: string, from: string) {
    this.#tls = tls;
    this.#from = from;
    let used = false;
    this.#client = new Client(`http://${host}`, {
      // One connection: a second would be another session of TLS.
      connect: (_options, done) => {
        if (used) return done(new TransportError('channel-closed', 'the channel ended'), null);
        used = true;
        // Not before the client has returned to its queue: it would never look at it.
        setImmediate(() => done(null, tls));
      },
      headersTimeout: INACTIVITY_MS,
      bodyTimeout: INACTIVITY_MS,
      keepAliveTimeout: 600_000,
      pipelining: 1,
    });
  }

  static async open(options: {
    readonly pipe: Duplex;
    readonly host: string;
    readonly pskIdentity: string;
    readonly psk: Secret;
    readonly stop: AbortSignal;
  }): Promise<ServerChannel> {
    const { pipe, host, pskIdentity: identity, psk, stop } = options;
    const tls = connectTls({
      socket: pipe,
      ...CARD_TLS,
      pskCallback: () => ({ identity, psk: psk.expose() }),
      // There is no certificate: who has the key is the server.
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve, reject) => {
      const overdue = setTimeout(() => fail(new TransportError('link-lost', 'TLS took too long')), HANDSHAKE_MS);
      const fail = (error: Error) => {
        clearTimeout(overdue);
        tls.destroy();
        pipe.destroy();
        reject(error);
      };
      const stopped = () => fail(new TransportError('channel-closed', 'the session was stopped'));
      tls.once('secureConnect', () => {
        clearTimeout(overdue);
        resolve();
      });
      tls.once('error', fail);
      tls.once('close', () => fail(new TransportError('link-lost', 'the channel ended in its handshake')));
      pipe.once('error', fail);
      stop.addEventListener('abort', stopped, { once: true });
      tls.once('close', () => stop.removeEventListener('abort', stopped));
    });
    return new ServerChannel(tls, host, identity);
  }

  async post(uri: string, outcome: Outcome | undefined, resume: boolean): Promise<ServerAnswer> {
    const fields = encodeAdminRequest({
      from: this.#from,
      resume,
      ...(outcome === undefined ? {} : { scriptStatus: outcome.status }),
      ...(outcome?.body === undefined ? {} : { body: 'card-content-management' }),
    });
    const body = outcome?.body === undefined ? null : Buffer.from(outcome.body);
    const request = { method: 'POST', path: uri, headers: fields.flat(), body } as const;
    const { statusCode, headers, body: stream } = await this.#client.request(request);
    const answer = await readBounded(stream);
    if (statusCode !== 200 && statusCode !== 204)
      throw new WireError('administration-refused', `The server ends the session with ${statusCode}`, { statusCode });
    const { nextUri, body: kind } = decodeAdminAnswer(pairs(headers));
    if ((statusCode === 200) !== (kind !== undefined && answer.length > 0))
      throw new WireError('administration-body', '200 goes with a script, 204 without one');
    const goesOn = headers[GOES_ON_FIELD.toLowerCase()];
    return {
      ...(nextUri === undefined ? {} : { nextUri }),
      ...(statusCode === 200 ? { body: answer } : {}),
      ...(typeof goesOn === 'string' ? { goesOn } : {}),
    };
  }

  close(): void {
    this.#client.destroy().catch(() => undefined);
    this.#tls.destroy();
  }
}

function* pairs(headers: Readonly<Record<string, string | string[] | undefined>>): Generator<HeaderField> {
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) yield [name, one];
  }
}

async function readBounded(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > MAX_BODY) throw new WireError('administration-body', 'The script is too long', { limit: MAX_BODY });
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
