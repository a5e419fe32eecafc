// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { InvariantError } from '../../errors.ts';
import { guardHandshakes } from '../handshake-guard.ts';
import type { Peer, TlsIdentity } from '../identity.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../problem.ts';
import { limitRates, type RateLimits } from '../rate-limit.ts';
import type { UserTokens } from '../user-tokens.ts';
import { passOn, type Target, targetOf } from './proxy.ts';
import type { ServiceNodes } from './service-nodes.ts';
import type { StaticRoute } from './static-routes.ts';
import { acceptWebSockets } from './web-sockets.ts';

export interface ReverseProxyOptions {
  readonly tls: TlsIdentity;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Registry;
  readonly routes: readonly StaticRoute[];
  readonly pools: ReadonlyMap<string, ServiceNodes>;
  readonly users: Pick<UserTokens, 'userOf'>;
  readonly rate?: RateLimits;
}

const ANYBODY: Peer = { role: 'user', id: '' };
const MAX_CONNECTIONS = 4_096;

/** The listener of the static routes. The caller listens and closes. */
export async function createReverseProxy(options: ReverseProxyOptions): Promise<FastifyInstance<Server>> {
  const { routes, users, pools } = options;
  const { key, certificate: cert } = options.tls;
  const app = Fastify({
    https: { key, cert, minVersion: 'TLSv1.2', handshakeTimeout: 10_000, maxHeaderSize: 16_384 },
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // What is logged of a request names it by its id: a logger for each would cost more than all else here.
    childLoggerFactory: (logger) => logger,
    keepAliveTimeout: 72_000,
    // Bodies may take as long as their route says.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
  }) as unknown as FastifyInstance<Server>;
  app.server.maxConnections = MAX_CONNECTIONS;
  // Names without a meaning for us, and two lengths, are refused by the parser of Node: it is never made lenient.
  app.server.headersTimeout = 30_000;
  guardHandshakes(app.server, options.metrics, options.logger);
  app.decorateRequest('peer', null as unknown as Peer);
  // A body is a stream to whoever is behind.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error, request.url);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    // What is left of a body that nobody reads must not become the next request.
    if (!request.raw.complete) reply.header('connection', 'close');
    await reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
  });
  const targets = new WeakMap<IncomingMessage, Target>();
  // Before a token is looked at: to be refused is not free either.
  await limitRates(app, options.rate);
  // No promise for those whom nobody asks who they are.
  app.addHook('onRequest', (request, _reply, done) => {
    request.peer = ANYBODY;
    try {
      const target = targetOf(routes, request.raw);
      targets.set(request.raw, target);
      if (target.route.access === 'anybody') return done();
    } catch (error) {
      return done(error as Error);
    }
    users.userOf(request.headers.authorization).then((peer) => {
      request.peer = peer;
      done();
    }, done);
  });
  app.all('/*', { config: { access: ['public'] } }, async (request, reply) => {
    const target = targets.get(request.raw) ?? targetOf(routes, request.raw);
    await passOn(nodesOf(pools, target.route), target, request, reply);
  });
  acceptWebSockets(app, options);
  await app.ready();
  return app;
}

/** Routes and pools were checked together. */
function nodesOf(pools: ReadonlyMap<string, ServiceNodes>, { pool }: StaticRoute): ServiceNodes {
  const nodes = pools.get(pool);
  if (nodes === undefined) throw new InvariantError('no-such-pool', `There is no pool ${pool}`);
  return nodes;
}
