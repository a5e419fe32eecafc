// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';
import { TransportError, TsmError, WireError } from '../../errors.ts';
import type { Administration, CardAnswer } from '../../service/ota/administration.ts';
import {
  type AdminRequest,
  decodeAdminRequest,
  encodeAdminAnswer,
  type HeaderField,
} from '../../wire/uicc/admin-http.ts';
import { GOES_ON_FIELD, MAX_BODY } from './admin-script.ts';
import { administrationUri, readAdministrationUri } from './administration-uri.ts';
import { checkFraming } from './http-framing.ts';
import { type FindKey, PskGate } from './psk-gate.ts';
import { CARD_TLS, CARD_TLS_1_3 } from './tls-profile.ts';

/**
 * The server that cards call: TLS 1.2 or 1.3 with a pre-shared key, HTTP of Amendment B.
 *
 * @see GlobalPlatform Amendment B 1.2, chapters 3 and 4
 */

export interface AdministrationServerOptions {
  readonly host: string;
  readonly port: number;
  readonly administration: Administration;
  /** The key of an identity, 16 bytes or more; the server wipes it. */
  readonly findKey: FindKey;
  readonly logger: FastifyBaseLogger;
  /** Cards connected at once; default 10,000. */
  readonly maxConnections?: number;
  /** From the connection to the end of its handshake; default 15,000. */
  readonly handshakeMs?: number;
  /** How long a card has to end the connection after close_notify; default 5,000. */
  readonly lingerMs?: number;
  /** Silence within a POST whose length is said; default 60,000. */
  readonly silenceMs?: number;
  /** Silence of a card that runs a script, between POSTs or between the chunks of one; default 900,000. */
  readonly idleMs?: number;
}

const LIMITS = {
  maxConnections: 10_000,
  /** Connections without a key yet, from all addresses. */
  maxHandshakes: 256,
  handshakeMs: 15_000,
  lingerMs: 5_000,
  /** Header fields of one POST. */
  headerBytes: 4_096,
  headersMs: 15_000,
  silenceMs: 60_000,
  /** Key generation takes minutes, and answers go in chunks while there are commands still to run. */
  idleMs: 900_000,
} as const;

/** How often connections are looked at whose head does not come. */
const CHECK_MS = 15_000;

interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

export class AdministrationServer implements AsyncDisposable {
  readonly #options: AdministrationServerOptions;
  readonly #tcp: TcpServer;
  readonly #http: Server;
  readonly #gates = new Map<Socket, PskGate>();
  readonly #counted = new WeakMap<PskGate, Traffic>();
  #handshakes = 0;
  #closing: Promise<void> | undefined;

  private constructor(options: AdministrationServerOptions) {
    this.#options = options;
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#tcp.maxConnections = options.maxConnections ?? LIMITS.maxConnections;
    this.#http = createHttpServer(
      {
        maxHeaderSize: LIMITS.headerBytes,
        // The path alone says whom a card calls.
        requireHostHeader: false,
        // For lines that end with LF alone. Nothing stands between a card and this server that could read them
        // otherwise, and whose connection it is its key says; `checkFraming` refuses the rest.
        insecureHTTPParser: true,
        headersTimeout: LIMITS.headersMs,
        // Of a whole POST: `readBody` watches over its silence in place of this.
        requestTimeout: 0,
        connectionsCheckingInterval: Math.min(CHECK_MS, options.silenceMs ?? CHECK_MS),
        keepAliveTimeout: options.idleMs ?? LIMITS.idleMs,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#http.on('clientError', (_error, socket) => socket.destroy());
    // It listens to no port of its own; its watch over slow clients begins with this event.
    this.#http.emit('listening');
  }

  /** @throws TransportError `cannot-listen` */
  static async listen(options: AdministrationServerOptions): Promise<AdministrationServer> {
    const server = new AdministrationServer(options);
    const { host, port } = options;
    server.#tcp.listen({ host, port });
    await once(server.#tcp, 'listening').catch((error: NodeJS.ErrnoException) => {
      throw new TransportError('cannot-listen', `/administration: cannot listen on ${host}:${port} (${error.code})`);
    });
    return server;
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** Cards that are connected. */
  get size(): number {
    return this.#gates.size;
  }

  #accept(socket: Socket): void {
    // Who probes for keys or says nothing cannot keep cards out for long.
    if (this.#handshakes >= LIMITS.maxHandshakes) {
      socket.destroy();
      return;
    }
    const { findKey, logger, handshakeMs, lingerMs } = { ...LIMITS, ...this.#options };
    let tls: TLSSocket | undefined;
    const greeted = (version: 'TLSv1.2' | 'TLSv1.3') => {
      tls = this.#secure(gate, version === 'TLSv1.3' ? CARD_TLS_1_3 : CARD_TLS, settle);
      tls.on('error', (error) => {
        if (!open) logger.info({ reason: error.message, from: socket.remoteAddress }, 'a card could not connect');
        gate.destroy();
      });
    };
    const gate = new PskGate(socket, findKey, greeted, lingerMs);
    this.#gates.set(socket, gate);
    this.#handshakes += 1;
    const overdue = setTimeout(() => gate.destroy(), handshakeMs);
    let open = false;
    const settle = () => {
      clearTimeout(overdue);
      if (!open) this.#handshakes -= 1;
      open = true;
    };
    gate.on('error', () => tls?.destroy());
    gate.once('close', () => {
      settle();
      tls?.destroy();
      this.#gates.delete(socket);
    });
  }

  #secure(gate: PskGate, profile: typeof CARD_TLS | typeof CARD_TLS_1_3, settle: () => void): TLSSocket {
    // Node's types know the callback for createServer alone.
    const preSharedKey = { pskCallback: (_socket: TLSSocket, identity: string) => gate.keyOf(identity) };
    const tls = new TLSSocket(gate, { isServer: true, ...profile, ...preSharedKey });
    tls.once('secure', () => {
      settle();
      GATES.set(tls, gate);
      this.#http.emit('connection', tls);
    });
    return tls;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort('the connection ended'));
    try {
      await this.#post(request, response, gone.signal);
    } catch (error) {
      this.#options.logger.info({ reason: (error as Error).message }, 'a POST of a card was refused');
      refuse(response, error instanceof WireError ? 400 : error instanceof TsmError ? 503 : 500);
    }
  }

  async #post(request: IncomingMessage, response: ServerResponse, gone: AbortSignal): Promise<void> {
    const gate = GATES.get(request.socket);
    if (request.method !== 'POST') return refuse(response, 405);
    if (gate?.identity === undefined) return refuse(response, 404);
    checkFraming(request.httpVersion, request.rawHeaders);
    const fields = decodeAdminRequest(pairs(request.rawHeaders));
    const { silenceMs, idleMs } = { ...LIMITS, ...this.#options };
    const isChunked = request.headers['transfer-encoding'] !== undefined;
    const body = await readBody(request, isChunked ? idleMs : silenceMs);
    if (body === undefined) return refuse(response, 413);
    const { identity: pskIdentity } = gate;
    const result = { ...statusOf(fields, body), body, resume: fields.resume };
    const { administration } = this.#options;
    const named = readAdministrationUri(request.url ?? '');
    // An agent may know no address but its own, and poll there for whatever there is for its identity.
    const place = named ?? (await administration.placeOf({ pskIdentity, ...result }));
    if (place === undefined) return respond(response, '', { kind: 'end' });
    const post = { ...place, pskIdentity, ...result, traffic: this.#trafficSince(gate) };
    const answer = await administration.answer(post, gone);
    if (gone.aborted) return;
    if (answer.kind === 'unknown') return refuse(response, 404);
    respond(response, place.sessionId, answer);
  }

  /** What the connection has carried since it was counted last belongs to the script that is answered now. */
  #trafficSince(gate: PskGate): Readonly<Traffic> {
    const { bytesIn, bytesOut } = gate.traffic;
    const before = this.#counted.get(gate) ?? { bytesIn: 0, bytesOut: 0 };
    this.#counted.set(gate, { bytesIn, bytesOut });
    return { bytesIn: bytesIn - before.bytesIn, bytesOut: bytesOut - before.bytesOut };
  }

  /** Takes no new connection and ends those that are there. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = once(this.#tcp, 'close');
    this.#tcp.close();
    for (const gate of this.#gates.values()) gate.destroy();
    this.#http.close();
    await closed;
  }
}

const GATES = new WeakMap<object, PskGate>();

function* pairs(raw: readonly string[]): Generator<HeaderField> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at] ?? '', raw[at + 1] ?? ''];
}

/**
 * A body of responses is a result that is `ok`, which some agents do not say; others say that, and no content type.
 * `ok` needs one.
 *
 * @throws WireError
 */
function statusOf({ scriptStatus, body: kind, resume }: AdminRequest, body: Uint8Array): { readonly status?: string } {
  if (scriptStatus === undefined) {
    if (body.length === 0) return {};
    if (kind === undefined) throw new WireError('admin-script-status', 'A body that is no response of commands');
    return { status: 'ok' };
  }
  if (scriptStatus === 'ok' && !resume && body.length === 0)
    throw new WireError('admin-script-status', 'The status is ok, and there is no response of commands');
  return { status: scriptStatus };
}

/** Undefined for one that is too long. @throws TransportError when its sender says nothing for so long, or is gone */
async function readBody(request: IncomingMessage, silenceMs: number): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  const silence = setTimeout(() => request.destroy(), silenceMs);
  try {
    for await (const part of request) {
      silence.refresh();
      length += part.length;
      if (length > MAX_BODY) return undefined;
      parts.push(part);
    }
  } catch (error) {
    throw new TransportError('link-lost', 'A POST of a card broke off', {}, error);
  } finally {
    clearTimeout(silence);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
  response.end();
}

function respond(response: ServerResponse, sessionId: string, answer: Exclude<CardAnswer, { kind: 'unknown' }>): void {
  const nextUri = answer.kind === 'end' ? {} : { nextUri: administrationUri(sessionId, answer.script) };
  const body = answer.kind === 'script' ? answer.body : undefined;
  const kind = answer.kind === 'script' && answer.files ? 'file-management' : 'card-content-management';
  const fields = encodeAdminAnswer({ ...nextUri, ...(body === undefined ? {} : { body: kind }) });
  for (const [name, value] of fields) response.setHeader(name, value);
  if (body === undefined) {
    // The session is over: close_notify goes with the answer, for agents that wait for it, and the end of the
    // connection some seconds behind it.
    if (answer.kind === 'end') response.setHeader('Connection', 'close');
    response.writeHead(204);
    response.end();
    return;
  }
  if (answer.kind === 'script' && answer.goesOn !== undefined) response.setHeader(GOES_ON_FIELD, answer.goesOn);
  response.writeHead(200, { 'Content-Length': body.length });
  response.end(body);
}
