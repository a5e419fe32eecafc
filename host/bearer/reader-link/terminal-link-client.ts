// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { WebSocket } from 'ws';
import { type Peer, type TlsIdentity, wrongServer } from '../../rest/identity.ts';
import { checkerOf } from '../../rest/validation.ts';
import {
  TerminalExchange,
  type TerminalInfo,
  TerminalRelease,
  type TerminalResult,
  TerminalTrigger,
} from '../../wire/message/card-script.ts';
import { HEARTBEAT_MS, MAX_MESSAGE_BYTES, MAX_READERS, TERMINAL_LINK_PATH } from './terminal-link.ts';

/** What stands behind the link at the terminal. */
export interface TerminalEnd {
  readonly readers: TerminalInfo['readers'];
  onChange(listener: () => void): () => void;
  run(script: TerminalExchange): Promise<TerminalResult>;
  release(message: TerminalRelease): Promise<void>;
  /** Where there is an administration agent. @throws TsmError for a trigger that is malformed */
  trigger?(message: TerminalTrigger): void;
}

export interface TerminalLinkOptions {
  /** `https://host:port` of `ota`, or of several of its nodes, separated by a space: it is connected to one. */
  readonly url: string;
  readonly ota: Peer;
  readonly tls: TlsIdentity;
  readonly terminalId: string;
  readonly end: TerminalEnd;
  readonly logger: FastifyBaseLogger;
}

const BACKOFF_MS = { first: 100, longest: 5_000 };
/** Scripts that may wait or run at once. */
const MAX_SCRIPTS = 2 * MAX_READERS;
const EXCHANGE = checkerOf(TerminalExchange);
const RELEASE = checkerOf(TerminalRelease);
const TRIGGER = checkerOf(TerminalTrigger);

/** Keeps a connection to `ota` open, for as long as it is not closed. */
export class TerminalLinkClient implements AsyncDisposable {
  readonly #options: TerminalLinkOptions;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  #connected = false;

  constructor(options: TerminalLinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connected;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const nodes = this.#options.url.split(' ');
    let at = randomInt(nodes.length);
    let waitMs = BACKOFF_MS.first;
    while (!this.#abort.signal.aborted) {
      const greeted = await this.#connectOnce(nodes[at] ?? '');
      // A node that was lost is not asked again before the others.
      at = (at + 1) % nodes.length;
      if (greeted) waitMs = BACKOFF_MS.first;
      // Spread, so that many terminals do not come back in the same moment.
      await delay(waitMs * (0.5 + Math.random()), undefined, { signal: this.#abort.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, BACKOFF_MS.longest);
    }
  }

  /** Runs one connection to its end; true when it was up. */
  #connectOnce(url: string): Promise<boolean> {
    const { ota, tls, logger } = this.#options;
    const socket = new WebSocket(url.replace(/^https:/, 'wss:') + TERMINAL_LINK_PATH, {
      key: tls.key,
      cert: tls.certificate,
      ca: tls.authority,
      minVersion: 'TLSv1.3',
      checkServerIdentity: ((_host: string, found: { subjectaltname?: string }) =>
        wrongServer(ota, found.subjectaltname)) as never,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: 5_000,
      followRedirects: false,
    });
    const connection = new Connection(socket, this.#options);
    const abort = () => socket.terminate();
    this.#abort.signal.addEventListener('abort', abort);
    return new Promise((resolve) => {
      let up = false;
      socket.once('open', () => {
        up = true;
        this.#connected = true;
        connection.start();
        logger.info({ url }, 'connected to ota');
      });
      socket.on('error', (error) => logger.info({ reason: error.message }, 'link to ota failed'));
      socket.once('close', () => {
        this.#connected = false;
        this.#abort.signal.removeEventListener('abort', abort);
        connection.stop();
        resolve(up);
      });
    });
  }
}

class Connection {
  readonly #socket: WebSocket;
  readonly #options: TerminalLinkOptions;
  #silence: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #announced = false;
  #scripts = 0;

  constructor(socket: WebSocket, options: TerminalLinkOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  start(): void {
    const { end, terminalId } = this.#options;
    this.#send({ type: 'hello', terminalId, readers: end.readers });
    this.#stopListening = end.onChange(() => this.#announce());
    this.#heard();
    this.#socket.on('ping', () => this.#heard());
    this.#socket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary));
  }

  stop(): void {
    clearTimeout(this.#silence);
    this.#stopListening?.();
  }

  /** A server that is silent for three heartbeats is gone, whatever TCP thinks. */
  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket.terminate(), 3 * HEARTBEAT_MS);
  }

  /** Changes that come close together travel as one report. */
  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    setImmediate(() => {
      this.#announced = false;
      this.#send({ type: 'readers', readers: this.#options.end.readers });
    });
  }

  #received(data: Buffer, isBinary: boolean): void {
    const message = isBinary ? undefined : parseJson(data.toString('utf8'));
    if (RELEASE.is(message)) {
      void this.#options.end.release(message);
    } else if (TRIGGER.is(message)) {
      this.#trigger(message);
    } else if (EXCHANGE.is(message) && this.#scripts < MAX_SCRIPTS) {
      void this.#run(message);
    } else {
      this.#options.logger.warn('ota sent a message that is not ours');
      this.#socket.terminate();
    }
  }

  #trigger(message: TerminalTrigger): void {
    try {
      this.#options.end.trigger?.(message);
    } catch (error) {
      this.#options.logger.warn({ reason: (error as Error).message }, 'a trigger was refused');
    }
  }

  async #run(script: TerminalExchange): Promise<void> {
    this.#scripts++;
    try {
      this.#send(await this.#options.end.run(script));
    } finally {
      this.#scripts--;
    }
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
