// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';
import { type Static, Type } from 'typebox';
import { type WebSocket, WebSocketServer } from 'ws';
import { CertificateError, TransportError } from '../../errors.ts';
import type { RestApp } from '../../rest/app.ts';
import type { Peer } from '../../rest/identity.ts';
import { peerOfSocket } from '../../rest/peer-of-socket.ts';
import { checkerOf } from '../../rest/validation.ts';
import type { ReaderInfo, TerminalLink } from '../../service/ota/terminal-directory.ts';
import {
  type TerminalExchange,
  TerminalHello,
  TerminalReaders,
  TerminalResult,
  type TerminalTrigger,
} from '../../wire/message/card-script.ts';

/** The WebSocket that terminals open to `ota`: one JSON text per message, everything else ends the link. */

export const TERMINAL_LINK_PATH = '/v1/terminal-link';
/** 64 responses of 4096 bytes as hex, with room for the frame around them. */
export const MAX_MESSAGE_BYTES = 1_048_576;
export const HEARTBEAT_MS = 10_000;
const HELLO_MS = 10_000;
/** Most readers of one terminal. */
export const MAX_READERS = 512;
const MAX_ATR_DIGITS = 66;

/** What the service hears from the links. */
export interface TerminalEvents {
  attached(link: TerminalLink, readers: readonly ReaderInfo[]): Promise<void>;
  readers(link: TerminalLink, readers: readonly ReaderInfo[]): Promise<void>;
  detached(link: TerminalLink): void;
}

export interface TerminalLinkServer {
  /** Ends all links. */
  close(): void;
}

/** Takes WebSocket upgrades of terminals on the daemon's own port. */
export function serveTerminalLinks(
  app: RestApp,
  events: TerminalEvents,
  logger: FastifyBaseLogger,
): TerminalLinkServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  app.server.on('upgrade', (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const peer = terminalPeer(request, socket);
    if (typeof peer === 'string') {
      socket.end(`HTTP/1.1 ${peer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      new ServerLink(webSocket, peer.id, events, logger).start();
    });
  });
  return {
    close: () => {
      for (const webSocket of sockets.clients) webSocket.terminate();
      sockets.close();
    },
  };
}

/** The terminal that asks, or the HTTP status that refuses it. */
function terminalPeer(request: IncomingMessage, socket: TLSSocket): Peer | string {
  if (request.url !== TERMINAL_LINK_PATH) return '404 Not Found';
  try {
    const peer = peerOfSocket(socket);
    return peer.role === 'terminal' ? peer : '403 Forbidden';
  } catch (error) {
    if (error instanceof CertificateError) return '403 Forbidden';
    throw error;
  }
}

const Message = Type.Union([TerminalHello, TerminalReaders, TerminalResult]);
type Message = Static<typeof Message>;
const CHECKERS = {
  hello: checkerOf(TerminalHello),
  readers: checkerOf(TerminalReaders),
  result: checkerOf(TerminalResult),
};

interface Pending {
  readonly resolve: (result: TerminalResult) => void;
  readonly reject: (error: TransportError) => void;
  readonly timer: NodeJS.Timeout;
}

class ServerLink implements TerminalLink {
  readonly terminalId: string;
  readonly #socket: WebSocket;
  readonly #events: TerminalEvents;
  readonly #logger: FastifyBaseLogger;
  readonly #pending = new Map<number, Pending>();
  #handling = false;
  /** `first` until the terminal is in the directory. */
  #waiting: { readonly message: TerminalHello | TerminalReaders; readonly first: boolean } | undefined;
  #greeted = false;
  #alive = true;
  #lastId = 0;
  #ended = false;

  constructor(socket: WebSocket, terminalId: string, events: TerminalEvents, logger: FastifyBaseLogger) {
    this.#socket = socket;
    this.terminalId = terminalId;
    this.#events = events;
    this.#logger = logger;
  }

  start(): void {
    const hello = setTimeout(() => {
      if (!this.#greeted) this.close('no hello');
    }, HELLO_MS);
    const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#socket.on('pong', () => {
      this.#alive = true;
    });
    this.#socket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary));
    this.#socket.on('error', (error) =>
      this.#logger.warn({ terminalId: this.terminalId, reason: error.message }, 'terminal link failed'),
    );
    this.#socket.on('close', () => {
      clearTimeout(hello);
      clearInterval(heartbeat);
      this.#end('the connection to the terminal ended');
    });
  }

  exchange(script: Omit<TerminalExchange, 'type' | 'id'>, timeoutMs: number): Promise<TerminalResult> {
    if (this.#ended)
      return Promise.reject(new TransportError('outcome-unknown', 'the connection to the terminal ended'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      // A terminal that is over its time is stuck: only a new connection brings it back.
      const timer = setTimeout(() => this.close(`no result within ${timeoutMs} ms`), timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      const message: TerminalExchange = { type: 'exchange', id, ...script };
      this.#socket.send(JSON.stringify(message));
    });
  }

  async trigger(call: Omit<TerminalTrigger, 'type'>): Promise<void> {
    if (this.#ended) throw new TransportError('link-lost', 'the connection to the terminal ended');
    const message: TerminalTrigger = { type: 'trigger', ...call };
    this.#socket.send(JSON.stringify(message));
  }

  release(readerName: string, fence: number): void {
    if (fence < 1 || this.#ended) return;
    this.#socket.send(JSON.stringify({ type: 'release', readerName, fence }));
  }

  close(reason: string): void {
    this.#logger.warn({ terminalId: this.terminalId, reason }, 'terminal link closed');
    this.#socket.terminate();
    this.#end(reason);
  }

  #beat(): void {
    if (!this.#alive) {
      this.close('no answer to ping');
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    const message = isBinary ? undefined : parseMessage(data.toString('utf8'));
    const violation = this.#violation(message);
    if (message === undefined || violation !== undefined) this.close(violation ?? '');
    else if (message.type === 'result') this.#result(message);
    else this.#report(message);
  }

  /** What is wrong with a message at this point, if anything. */
  #violation(message: Message | undefined): string | undefined {
    if (message === undefined) return 'a message that is not ours';
    if (message.type === 'result') return this.#pending.has(message.id) ? undefined : 'a result that nobody asked for';
    if (this.#greeted !== (message.type === 'readers')) return `${message.type} out of order`;
    if (message.type === 'hello' && message.terminalId !== this.terminalId) return 'hello under another name';
    return undefined;
  }

  /** Only the newest report counts: what comes while one is handled replaces what waits. */
  #report(message: TerminalHello | TerminalReaders): void {
    this.#waiting = { message, first: message.type === 'hello' || this.#waiting?.first === true };
    this.#greeted = true;
    if (!this.#handling) void this.#handleReports();
  }

  async #handleReports(): Promise<void> {
    this.#handling = true;
    try {
      for (let next = this.#waiting; next !== undefined && !this.#ended; next = this.#waiting) {
        this.#waiting = undefined;
        const { readers } = next.message;
        await (next.first ? this.#events.attached(this, readers) : this.#events.readers(this, readers));
      }
    } catch (error) {
      this.close(`its report could not be handled: ${(error as Error).message}`);
    } finally {
      this.#handling = false;
    }
  }

  #result(message: TerminalResult): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending.delete(message.id);
    pending.resolve(message);
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(
        new TransportError('outcome-unknown', `the script may have run: ${reason}`, { terminalId: this.terminalId }),
      );
    }
    this.#pending.clear();
    this.#events.detached(this);
  }
}

function parseMessage(text: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const type = (value as { type?: unknown } | null)?.type;
  if (type !== 'hello' && type !== 'readers' && type !== 'result') return undefined;
  const checker = CHECKERS[type];
  if (!checker.is(value)) return undefined;
  if (value.type !== 'result' && !plausible(value.readers)) return undefined;
  return value;
}

function plausible(readers: readonly ReaderInfo[]): boolean {
  const names = new Set(readers.map(({ readerName }) => readerName));
  return (
    readers.length <= MAX_READERS &&
    names.size === readers.length &&
    readers.every(({ atr }) => atr.length <= MAX_ATR_DIGITS)
  );
}
