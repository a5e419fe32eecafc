// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';
import { PeerError, TransportError } from '../../errors.ts';
import { RequestError } from '../problem.ts';
import { type HeaderValues, requestHeaders, responseHeaders } from './headers.ts';
import { isUnsent, type ServiceNode, type ServiceNodes } from './service-nodes.ts';
import { isPlainPath, ROUTE_DEFAULTS, type RouteLimits, routeOf, type StaticRoute } from './static-routes.ts';

/** One request through the front: to the node with the least to do, streamed both ways. */

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Safe to send twice where there is no body. @see RFC 9110 9.2.2 */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const HOST = /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$/;

export interface Target {
  readonly route: StaticRoute;
  readonly host: string;
}

/**
 * Where a request goes. What two servers could read in two ways is refused here, whatever the route.
 *
 * @throws RequestError `malformed-request`, `no-such-route`, `method-not-allowed`
 */
export function targetOf(routes: readonly StaticRoute[], request: IncomingMessage): Target {
  const { method = '', url = '', headers, rawHeaders } = request;
  if (!METHODS.has(method)) throw new RequestError('method-not-allowed', `${method} is not passed on`, [], 405);
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length !== 1 || !HOST.test(headers.host ?? '')) throw malformed('want one Host');
  if ((method === 'GET' || method === 'HEAD') && hasBody(request)) throw malformed(`${method} has no body`);
  const [path = ''] = url.split('?', 1);
  if (!isPlainPath(path) || /[^\x21-\x7E]/.test(url)) throw malformed('the path can be read in two ways');
  const host = (headers.host ?? '').toLowerCase().replace(/:[0-9]+$/, '');
  const route = routeOf(routes, host, path);
  if (route === undefined) throw new RequestError('no-such-route', 'No route leads there', [], 404);
  return { route, host };
}

const malformed = (why: string): RequestError => new RequestError('malformed-request', `Not passed on: ${why}`);
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const tooLarge = (limit: number): RequestError =>
  new RequestError('body-too-large', `The body is longer than ${limit} bytes`, [], 413);

/** The body as it comes, and no more of it than allowed. */
async function* bounded(body: AsyncIterable<Buffer>, limit: number, over: () => Error): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > limit) throw over();
    yield part;
  }
}

/**
 * Passes a request on and its answer back.
 *
 * @throws TransportError, RequestError while nothing was answered; later the connection breaks
 */
export async function passOn(
  nodes: ServiceNodes,
  { route, host }: Target,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const limits = { ...ROUTE_DEFAULTS, ...route };
  const raw = request.raw;
  if (Number(raw.headers['content-length'] ?? 0) > limits.maxRequestBytes) throw tooLarge(limits.maxRequestBytes);
  const user = request.peer.role === 'user' && request.peer.id !== '' ? { user: request.peer.id } : {};
  const { headers, requestId } = requestHeaders({ headers: raw.headers, address: request.ip, host, ...user });
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(timeOver()), limits.timeoutMs);
  const gone = () => stop.abort(callerGone());
  reply.raw.once('close', gone);
  try {
    const { answer, node } = await ask(nodes, raw, { headers, limits, signal: stop.signal });
    try {
      reply.hijack();
      reply.raw.writeHead(answer.statusCode, responseHeaders(answer.headers, requestId));
      const over = () => new PeerError('answer-too-large', 'The answer is longer than allowed', {});
      await pipeline(bounded(answer.body, limits.maxResponseBytes, over), reply.raw);
    } catch (error) {
      // Its beginning is out: only a broken connection tells the caller that this is not the whole.
      if (!stop.signal.aborted) node.health.called('failed');
      answer.body.destroy();
      reply.raw.destroy();
      request.log.info({ reason: String(error), requestId }, 'an answer was cut');
    } finally {
      node.outstanding -= 1;
    }
  } finally {
    clearTimeout(late);
    reply.raw.off('close', gone);
  }
}

const timeOver = () => new TransportError('upstream-timeout', 'The service did not answer in time');
const callerGone = () => new TransportError('aborted', 'The caller has gone');

interface Question {
  readonly headers: HeaderValues;
  readonly limits: RouteLimits;
  readonly signal: AbortSignal;
}

/** Asks one node, and another one only when the first got nothing of it or it may run twice. */
async function ask(
  nodes: ServiceNodes,
  raw: IncomingMessage,
  question: Question,
): Promise<{ readonly answer: Dispatcher.ResponseData; readonly node: ServiceNode }> {
  const body = hasBody(raw);
  const repeatable = !body && REPEATABLE.has(raw.method ?? '');
  let last: unknown;
  for (const node of nodes.choose()) {
    node.outstanding += 1;
    node.calls += 1;
    try {
      const answer = await askNode(node, raw, { ...question, body });
      node.health.called('answered');
      return { answer, node };
    } catch (error) {
      node.outstanding -= 1;
      if (question.signal.aborted) throw question.signal.reason;
      if (error instanceof RequestError) throw error;
      node.failures += 1;
      const unsent = isUnsent(error);
      node.health.called(unsent ? 'refused' : 'failed');
      last = error;
      if (!unsent && !repeatable) break;
    }
  }
  throw new TransportError('upstream-failed', 'The service behind could not be asked: try again', {}, last);
}

function askNode(
  { pool }: ServiceNode,
  raw: IncomingMessage,
  { headers, limits, signal, body }: Question & { readonly body: boolean },
): Promise<Dispatcher.ResponseData> {
  const { method = 'GET', url: path = '/' } = raw;
  const over = () => tooLarge(limits.maxRequestBytes);
  // Begun only when there is a connection: what was not sent can go elsewhere.
  const stream = body ? Readable.from(bounded(raw, limits.maxRequestBytes, over), { objectMode: false }) : null;
  return pool.request({ method, path, headers, signal, body: stream });
}
