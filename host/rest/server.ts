// SPDX-License-Identifier: Apache-2.0
import type { TLSSocket } from 'node:tls';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import underPressure from '@fastify/under-pressure';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { type TSchema, Type } from 'typebox';
import { InvariantError, PolicyError, TransportError } from '../errors.ts';
import { newTraceId, runAs, traceIdOf, type Work } from '../trace.ts';
import type { RestApp } from './app.ts';
import { guardHandshakes } from './handshake-guard.ts';
import { isAllowed, type Peer, type Platform, type TlsIdentity } from './identity.ts';
import { refuseOtherMethods } from './method-not-allowed.ts';
import { requireNoNul } from './no-nul.ts';
import { describeRoutes } from './openapi.ts';
import { endOldConnections, peerOfSocket } from './peer-of-socket.ts';
import { challengeOf, PROBLEM_MEDIA_TYPE, problemOf, RequestError } from './problem.ts';
import { limitRates, type RateLimits } from './rate-limit.ts';
import type { UserTokens } from './user-tokens.ts';
import { checkerOf } from './validation.ts';

export interface RestServerOptions {
  /** Who this daemon is: its operators are those that name it. */
  readonly self: Platform;
  readonly version: string;
  readonly tls: TlsIdentity;
  readonly logger: FastifyBaseLogger;
  /** Where the daemon's own metrics are; default a new registry. */
  readonly metrics?: Registry;
  /** Longest request body; default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** For the app side: callers show tokens instead of certificates, and routes are for `user` or `public`. */
  readonly users?: Pick<UserTokens, 'userOf'>;
  /** How often one caller may ask; without it, as often as he likes. */
  readonly rate?: RateLimits;
  /** Throws while the daemon cannot do its work. */
  readonly ready?: () => Promise<void>;
  /** The daemon's routes. */
  readonly routes: (app: RestApp) => void | Promise<void>;
}

const MAX_CONNECTIONS = 4_096;

/**
 * Builds the HTTPS server of a daemon: client certificates of our authority only, strict schemas,
 * problem documents, health, metrics and OpenAPI. The caller listens and closes.
 *
 * @throws InvariantError when a route names no `access` or its schema lets unknown fields in
 */
export async function createRestServer(options: RestServerOptions): Promise<RestApp> {
  const { key, certificate: cert, authority: ca } = options.tls;
  const metrics = options.metrics ?? new Registry();
  const peers = options.users === undefined;
  const app = Fastify({
    https: {
      key,
      cert,
      ca,
      requestCert: peers,
      rejectUnauthorized: peers,
      minVersion: peers ? 'TLSv1.3' : 'TLSv1.2',
      handshakeTimeout: 10_000,
      maxHeaderSize: 16_384,
    },
    loggerInstance: options.logger,
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 256 },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as RestApp;
  app.server.maxConnections = MAX_CONNECTIONS;
  endOldConnections(app, options.tls);
  guardHandshakes(app.server, metrics, options.logger);
  // The default parser would take text as a body: only JSON is a message here.
  app.removeContentTypeParser('text/plain');
  strictSchemas(app);
  answerProblems(app);
  traceRequests(app);
  // Before it is looked who calls: to be refused is not free either.
  if (options.rate !== undefined) await limitRates(app as unknown as FastifyInstance, options.rate);
  denyByDefault(app, options);
  const allRoutesKnown = refuseOtherMethods(app);
  await observe(app, options, metrics);
  await app.register(async (scope) => {
    await options.routes(scope as unknown as RestApp);
  });
  allRoutesKnown();
  await app.ready();
  return app;
}

function strictSchemas(app: RestApp): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const checker = checkerOf(schema);
    return (value: unknown) => {
      const errors = checker.errors(value);
      if (errors.length === 0) return { value };
      return {
        error: new RequestError('invalid-request', `the ${httpPart ?? 'request'} does not follow the schema`, errors),
      };
    };
  });
  // A response that does not follow its schema is our fault; it must not leave, least of all with extra fields.
  app.setSerializerCompiler<TSchema>(({ schema, url }) => {
    const checker = checkerOf(schema);
    return (data: unknown) => {
      const errors = checker.errors(data, 4);
      if (errors.length > 0) {
        const fields = errors.map(({ field, message }) => `${field} ${message}`).join(', ');
        throw new InvariantError('response-schema', `the response of ${url} does not follow its schema: ${fields}`);
      }
      return JSON.stringify(data);
    };
  });
  app.addHook('onRoute', (route) => {
    for (const part of ['body', 'querystring', 'params'] as const) {
      const schema = (route.schema as Record<string, { type?: string; additionalProperties?: unknown }> | undefined)?.[
        part
      ];
      if (schema?.type === 'object' && schema.additionalProperties !== false) {
        throw new InvariantError(
          'loose-schema',
          `${routeName(route)}: the ${part} schema must set additionalProperties: false`,
        );
      }
    }
  });
  app.addHook('preValidation', async (request) => {
    // Whatever it brings, it is told that there is no such route.
    if (request.is404) return;
    const schema = request.routeOptions.schema as Record<string, unknown> | undefined;
    if (schema?.querystring === undefined && Object.keys(request.query as object).length > 0) {
      throw new RequestError('invalid-request', 'this route takes no query parameters');
    }
    if (schema?.body === undefined && request.body !== undefined && request.body !== null) {
      throw new RequestError('invalid-request', 'this route takes no body');
    }
  });
  app.addHook('preHandler', async (request) => {
    for (const part of [request.body, request.query, request.params]) requireNoNul(part);
  });
}

function answerProblems(app: RestApp): void {
  app.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error, request.url);
    if (problem.status === 401) reply.header('www-authenticate', challengeOf(error));
    if (problem.status >= 500) request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    else
      request.log.info({ code: problem.type, route: request.routeOptions.url, peer: request.peer }, 'request refused');
    await reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const problem = problemOf(new RequestError('no-such-route', 'there is no such route', [], 404), request.url);
    await reply.code(404).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
  });
}

/** What a request does belongs to its trace, from here to its answer. */
function traceRequests(app: RestApp): void {
  const works = new WeakMap<FastifyRequest, Work>();
  app.addHook('onRequest', (request, _reply, done) => {
    const work: Work = { traceId: traceIdOf(request.headers.traceparent) ?? newTraceId() };
    works.set(request, work);
    runAs(work, done);
  });
  // The body's last bytes came in on the connection's own account.
  app.addHook('preValidation', (request, _reply, done) => {
    const work = works.get(request);
    if (work === undefined) return done();
    if (request.peer.role === 'provider') work.provider = request.peer.id;
    runAs(work, done);
  });
}

/** Whoever comes to the app side without saying who he is. */
const ANYBODY: Peer = { role: 'user', id: '' };

function denyByDefault(app: RestApp, options: RestServerOptions): void {
  const { self, tls, users } = options;
  app.decorateRequest('peer', null as unknown as Peer);
  app.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access === undefined || access.length === 0) {
      throw new InvariantError('route-access', `${routeName(route)} does not say who may call it (config.access)`);
    }
  });
  // Before the body is read: a stranger's bytes are not parsed.
  app.addHook('onRequest', async (request: FastifyRequest) => {
    if (users !== undefined) {
      request.peer = ANYBODY;
      request.peer = await userOf(request, users);
      return;
    }
    request.peer = peerOfSocket(request.raw.socket as TLSSocket, tls);
    if (request.is404) return;
    const access = request.routeOptions.config.access ?? [];
    if (!isAllowed(access, request.peer, self)) {
      const { role, platform } = request.peer;
      const who = platform === undefined ? role : `${role} of ${platform.role} ${platform.id}`;
      throw new PolicyError('access-denied', `a ${who} may not call this route of ${self.role} ${self.id}`, { role });
    }
  });
}

/** The user of a route that wants one. */
async function userOf(request: FastifyRequest, users: Pick<UserTokens, 'userOf'>): Promise<Peer> {
  const access = request.routeOptions.config.access ?? [];
  if (request.is404 || access.includes('public') || access.includes('any-peer')) return ANYBODY;
  if (access.includes('user')) return users.userOf(request.headers.authorization);
  throw new PolicyError('access-denied', 'a user may not call this route');
}

async function observe(app: RestApp, options: RestServerOptions, metrics: Registry): Promise<void> {
  collectDefaultMetrics({ register: metrics });
  const seconds = new Histogram({
    name: 'opentsm_http_request_seconds',
    help: 'time of HTTP requests',
    labelNames: ['method', 'route', 'status'],
    registers: [metrics],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
  });
  await app.register(underPressure, {
    maxEventLoopDelay: 10_000,
    maxHeapUsedBytes: 2 ** 31,
    // Infinity stands for no figure: the process stood still between two looks, which says nothing of what waits now.
    pressureHandler: (_request, _reply, _type, value) => {
      if (value === Number.POSITIVE_INFINITY) return;
      throw new TransportError('overloaded', 'too much to do, try again later');
    },
  });
  await describeRoutes(app, { title: `opentsm ${options.self.role}`, version: options.version });
  const any = { access: ['any-peer'] as const };
  const Health = Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false });
  const healthSchema = { response: { 200: Health } };
  app.get('/health/live', { config: any, schema: healthSchema }, async () => ({ status: 'ok' as const }));
  app.get('/health/ready', { config: any, schema: healthSchema }, async () => {
    await options.ready?.();
    return { status: 'ok' as const };
  });
  // Figures and the other daemon's addresses are no business of the world.
  if (options.users !== undefined) return;
  const textSchema = { response: { 200: { content: { 'text/plain': { schema: Type.String() } } } } };
  app.get('/metrics', { config: any, schema: textSchema }, async (_request, reply) => {
    await reply.type(metrics.contentType).send(await metrics.metrics());
    return reply;
  });
  app.get('/openapi.json', { config: any }, async () => app.swagger());
}

function routeName(route: { readonly method: string | string[]; readonly url: string }): string {
  return `${String(route.method)} ${route.url}`;
}
