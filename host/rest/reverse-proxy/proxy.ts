// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';
import { TransportError } from '../../errors.ts';
import { RequestError } from '../problem.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import { Passage } from './passage.ts';
import { isUnsent, type ServiceNode, type ServiceNodes } from './service-nodes.ts';
import { isPlainPath, ROUTE_DEFAULTS, routeOf, type StaticRoute } from './static-routes.ts';

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
  if (countOf('host', rawHeaders) !== 1 || !HOST.test(headers.host ?? '')) throw malformed('want one Host');
  if ((method === 'GET' || method === 'HEAD') && hasBody(request)) throw malformed(`${method} has no body`);
  const [path = ''] = url.split('?', 1);
  if (!isPlainPath(path) || /[^\x21-\x7E]/.test(url)) throw malformed('the path can be read in two ways');
  const host = (headers.host ?? '').toLowerCase().replace(/:[0-9]+$/, '');
  const route = routeOf(routes, host, path);
  if (route === undefined) throw new RequestError('no-such-route', 'No route leads there', [], 404);
  return { route, host };
}

/** How often a field came. @param name in small letters @param fields names and values in turn */
function countOf(name: string, fields: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at] ?? '';
    if (field.length === name.length && field.toLowerCase() === name) count += 1;
  }
  return count;
}

const malformed = (why: string): RequestError => new RequestError('malformed-request', `Not passed on: ${why}`);
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const tooLarge = (limit: number): RequestError =>
  new RequestError('body-too-large', `The body is longer than ${limit} bytes`, [], 413);

/** The body as it comes, and no more of it than allowed. */
async function* bounded(body: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > limit) throw tooLarge(limit);
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
  let node: ServiceNode | undefined;
  const passage = new Passage({
    reply: reply.raw,
    maxResponseBytes: limits.maxResponseBytes,
    timeoutMs: limits.timeoutMs,
    headersOf: (answered) => responseHeaders(answered, requestId),
    onBegin: () => reply.hijack(),
    onCut: (error, byService) => {
      if (byService && node !== undefined) noteFailure(node, 'failed');
      request.log.info({ reason: String(error), requestId }, 'an answer was cut');
    },
  });
  try {
    await ask(nodes, raw, (chosen, body) => {
      node = chosen;
      const stream = body ? Readable.from(bounded(raw, limits.maxRequestBytes), { objectMode: false }) : null;
      const { method = 'GET', url: path = '/' } = raw;
      return passage.through(chosen.pool, { method: method as Dispatcher.HttpMethod, path, headers, body: stream });
    });
  } catch (error) {
    throw passage.stopped ?? error;
  } finally {
    passage.close();
  }
}

/** Asks one node, and another one only when the first got nothing of it or it may run twice. */
async function ask(
  nodes: ServiceNodes,
  raw: IncomingMessage,
  through: (node: ServiceNode, body: boolean) => Promise<'whole' | 'cut'>,
): Promise<void> {
  const body = hasBody(raw);
  const repeatable = !body && REPEATABLE.has(raw.method ?? '');
  let last: unknown;
  for (const node of nodes.choose()) {
    node.outstanding += 1;
    node.calls += 1;
    try {
      // A body is begun only when there is a connection: what was not sent can go elsewhere.
      // A node that begins every answer and ends none is no good one.
      if ((await through(node, body)) === 'whole') node.health.called('answered');
      return;
    } catch (error) {
      if (error instanceof RequestError || isOurEnd(error)) throw error;
      const unsent = isUnsent(error);
      noteFailure(node, unsent ? 'refused' : 'failed');
      last = error;
      if (!unsent && !repeatable) break;
    } finally {
      node.outstanding -= 1;
    }
  }
  throw new TransportError('upstream-failed', 'The service behind could not be asked: try again', {}, last);
}

function noteFailure(node: ServiceNode, how: 'refused' | 'failed'): void {
  node.failures += 1;
  node.health.called(how);
}

/** The caller went or the time was over: no node is to blame, and none else is asked. */
const isOurEnd = (error: unknown): boolean => error instanceof TransportError;
