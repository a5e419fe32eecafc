// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { TransportError } from '../../errors.ts';
import { problemOf } from '../problem.ts';
import type { UserTokens } from '../user-tokens.ts';
import { requestHeaders } from './headers.ts';
import { targetOf } from './proxy.ts';
import { isUnsent, type ServiceNode, type ServiceNodes } from './service-nodes.ts';
import type { StaticRoute } from './static-routes.ts';

/** WebSocket through the front: a connection on either side, whole messages between them. @see RFC 6455 */

const MAX_MESSAGE = 1_048_576;
const MAX_SOCKETS = 1_024;
/** So much may wait for the slower side before the faster one is held. */
const MAX_WAITING = 4 * MAX_MESSAGE;
const OPEN_MS = 10_000;
const DROPPED = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol'];

export interface WebSocketOptions {
  readonly logger: FastifyBaseLogger;
  readonly routes: readonly StaticRoute[];
  readonly pools: ReadonlyMap<string, ServiceNodes>;
  readonly users: Pick<UserTokens, 'userOf'>;
}

export function acceptWebSockets(app: FastifyInstance<Server>, options: WebSocketOptions): void {
  // The far side chooses among the protocols, so the near one takes its choice.
  const chosen = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: (_offered, request) => chosen.get(request) || false,
  });
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    open(options, request, server.clients.size)
      .then(({ far, node }) => {
        if (far.protocol !== '') chosen.set(request, far.protocol);
        server.handleUpgrade(request, socket, head, (near) => join(near, far, node));
        if (socket.destroyed) far.terminate();
      })
      .catch((error: unknown) => {
        options.logger.info({ reason: String(error) }, 'a WebSocket was refused');
        refuse(socket, error);
      });
  });
  app.addHook('preClose', async () => {
    for (const socket of server.clients) socket.close(1001);
  });
  app.addHook('onClose', async () => {
    for (const socket of server.clients) socket.terminate();
  });
}

/** A connection to one of the nodes. */
async function open({ routes, pools, users }: WebSocketOptions, request: IncomingMessage, sockets: number) {
  const { route, host } = targetOf(routes, request);
  if (route.webSocket !== true || request.method !== 'GET')
    throw new TransportError('no-web-socket', 'This route takes no WebSocket');
  if (sockets >= MAX_SOCKETS) throw new TransportError('overloaded', 'Too many WebSockets are open: try again later');
  const user = route.access === 'user' ? { user: (await users.userOf(request.headers.authorization)).id } : {};
  const address = request.socket.remoteAddress ?? '';
  const { headers } = requestHeaders({ headers: request.headers, address, host, ...user });
  for (const name of DROPPED) delete headers[name];
  const wanted = request.headers['sec-websocket-protocol'];
  const protocols = wanted === undefined ? [] : wanted.split(',').map((name) => name.trim());
  let last: unknown;
  const nodes = pools.get(route.pool);
  for (const node of nodes?.choose() ?? []) {
    const url = `${node.origin.replace(/^http/, 'ws')}${request.url}`;
    const far = new WebSocket(url, protocols, {
      headers,
      ...nodes?.tls,
      followRedirects: false,
      handshakeTimeout: OPEN_MS,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
    });
    try {
      node.calls += 1;
      await opened(far);
      node.health.called('answered');
      return { far, node };
    } catch (error) {
      node.failures += 1;
      node.health.called(isUnsent(error) ? 'refused' : 'failed');
      last = error;
    }
  }
  throw new TransportError('upstream-failed', 'The service behind could not be asked: try again', {}, last);
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      // What the far side sends at once waits for the near side.
      socket.pause();
      resolve();
    });
    socket.once('error', reject);
  });
}

function join(near: WebSocket, far: WebSocket, node: ServiceNode): void {
  node.outstanding += 1;
  far.once('close', () => {
    node.outstanding -= 1;
  });
  pass(near, far);
  pass(far, near);
  far.resume();
}

/** Messages one way, and how the connection ended. */
function pass(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, binary) => {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(data, { binary }, () => {
      if (from.isPaused && to.bufferedAmount < MAX_WAITING) from.resume();
    });
    if (to.bufferedAmount >= MAX_WAITING) from.pause();
  });
  from.on('close', (code, reason) => {
    // 1005 and 1006 say that there was no code: they cannot be sent.
    if (code === 1006) to.terminate();
    else if (to.readyState === WebSocket.OPEN) to.close(code === 1005 ? 1000 : code, reason);
  });
  from.on('error', () => to.terminate());
}

function refuse(socket: Duplex, error: unknown): void {
  const { status, title } = problemOf(error);
  socket.end(`HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
