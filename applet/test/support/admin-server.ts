// SPDX-License-Identifier: Apache-2.0
/** A server of remote administration by node's own TLS and HTTP, one call after the other. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Duplex, duplexPair } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { IDENTITY, PSK } from './agent-card.ts';
import { expandedScript } from './packet-host.ts';

/** `SSL_OP_NO_ENCRYPT_THEN_MAC`, no tickets. */
const OPTIONS = 0x0008_0000 | 0x0000_4000;
export const PROTOCOL = 'globalplatform-remote-admin/1.0';
export const COMMANDS = 'application/vnd.globalplatform.card-content-mgt;version=1.0';

export interface Posted {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface AdminServerOptions {
  readonly ciphers?: string;
  readonly identity?: string;
  readonly psk?: Buffer;
  /** What goes on of bytes that are on their way to the card; `close` ends the channel behind them. */
  readonly toCard?: (part: Buffer, close: () => void) => Buffer;
}

export type Answerer = (posted: Posted, response: ServerResponse, count: number) => void;

export class AdminServer {
  readonly posts: Posted[] = [];
  readonly suites: string[] = [];
  /** Why TLS failed. */
  readonly failures: string[] = [];
  readonly #http: Server;
  readonly #events = new EventEmitter();
  readonly #options: AdminServerOptions;

  constructor(answer: Answerer, options: AdminServerOptions = {}) {
    this.#options = options;
    this.#http = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.once('end', () => {
        const posted = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) };
        this.posts.push(posted);
        response.sendDate = false;
        answer(posted, response, this.posts.length);
        this.#events.emit('post');
      });
    });
  }

  /** When so many POSTs have come. */
  async posted(count: number): Promise<void> {
    while (this.posts.length < count) await once(this.#events, 'post');
  }

  /** A channel to it. */
  connect = (): Duplex => {
    const [near, far] = duplexPair();
    const { ciphers = 'PSK-AES128-CBC-SHA256', identity = IDENTITY, psk = PSK } = this.#options;
    const tls = new TLSSocket(far, {
      isServer: true,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      secureOptions: OPTIONS,
      ciphers: `${ciphers}:@SECLEVEL=0`,
      pskCallback: (_socket: TLSSocket, named: string) => (named === identity ? psk : null),
    } as ConstructorParameters<typeof TLSSocket>[1]);
    tls.on('error', (error) => this.failures.push((error as { code?: string }).code ?? error.message));
    tls.once('secure', () => this.suites.push(tls.getCipher().standardName));
    this.#http.emit('connection', tls);
    return this.#options.toCard === undefined ? near : through(near, this.#options.toCard);
  };
}

/** 200 with a script, by Content-Length or in chunks of a few bytes. */
export function script(
  response: ServerResponse,
  commands: readonly (string | Buffer)[],
  next?: string,
  chunk = 0,
): void {
  const body = expandedScript(commands, chunk > 0);
  response.setHeader('X-Admin-Protocol', PROTOCOL);
  response.setHeader('Content-Type', COMMANDS);
  if (next !== undefined) response.setHeader('X-Admin-Next-URI', next);
  if (chunk === 0) {
    response.setHeader('Content-Length', body.length);
    response.end(body);
    return;
  }
  for (let at = 0; at < body.length; at += chunk) response.write(body.subarray(at, at + chunk));
  response.end();
}

/** 204, and where to post next. */
export function nothing(response: ServerResponse, next?: string): void {
  response.setHeader('X-Admin-Protocol', PROTOCOL);
  if (next !== undefined) response.setHeader('X-Admin-Next-URI', next);
  response.writeHead(204);
  response.end();
}

/** A channel whose bytes towards the card somebody else sees first. */
function through(near: Duplex, toCard: (part: Buffer, close: () => void) => Buffer): Duplex {
  const made: Duplex = new Duplex({
    read: () => {},
    write: (part: Buffer, encoding, done) => void near.write(part, encoding, done),
    destroy: (error, done) => {
      near.destroy();
      done(error);
    },
    final: (done) => void near.end(done),
  });
  near.on('error', () => {});
  near.on('data', (part: Buffer) => {
    let closes = false;
    const rest = toCard(part, () => {
      closes = true;
    });
    if (rest.length > 0) made.push(rest);
    if (closes) {
      made.push(null);
      near.destroy();
    }
  });
  near.once('end', () => made.push(null));
  return made;
}
