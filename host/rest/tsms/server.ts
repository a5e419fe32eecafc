// SPDX-License-Identifier: Apache-2.0
import { METHODS } from 'node:http';
import multipart from '@fastify/multipart';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { LimitError } from '../../errors.ts';
import type { ServiceProvider, TsmsAnswer, TsmsBackend } from '../../service/provider/tsms/backend.ts';
import type { OperationId } from '../../service/provider/tsms/call.ts';
import { mayPass } from '../../store/database-errors.ts';
import { OPERATIONS } from '../../wire/tsms/published.ts';
import { invalidRequest, TsmsError, tsmsError, wrongFormat } from '../../wire/tsms/tsms-error.ts';
import { guardHandshakes } from '../handshake-guard.ts';
import { limitRates, type RateLimits } from '../rate-limit.ts';
import type { TsmsApp } from './app.ts';
import { bearerOf, challengeOf } from './bearer.ts';
import { type Extensions, extensionRoutes } from './extensions.ts';
import { parseJson } from './json-body.ts';
import { MAX_UPLOAD, receiveUpload, tooBig, uploadLimits } from './upload.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The published operation behind a route of the TSM-Backend. */
    tsms?: Operation;
  }
  interface FastifyRequest {
    /** Whose token came with a request to the TSM-Backend. */
    serviceProvider: ServiceProvider | null;
  }
}

interface Operation {
  readonly id: OperationId;
  readonly method: string;
  readonly path: string;
  readonly body: 'none' | 'json' | 'file';
  readonly errors: readonly number[];
}

export interface TsmsServerOptions {
  /** PEM. Service providers have no certificates of ours: tokens say who they are. */
  readonly tls: { readonly key: string; readonly certificate: string };
  readonly logger: FastifyBaseLogger;
  /** Where refused handshakes are counted. */
  readonly metrics: Registry;
  readonly backend: TsmsBackend;
  /** Absent: the guideline and nothing else. */
  readonly extensions?: Extensions;
  /** How often one token or address may ask; absent: as often as it likes. */
  readonly rate?: RateLimits;
}

/** Version in the path. @see BSI TR-03165 1.0.4, 4.1.2 */
export const TSMS_BASE = '/sptsm/1.0.4';
const MAX_JSON = 1_048_576;
/** A file with what stands around it in its form. */
const MAX_FORM = MAX_UPLOAD + 65_536;
const MAX_CONNECTIONS = 1_024;

/** Builds the HTTPS server of the TSM-Backend: the 82 published operations and nothing else. The caller listens. */
export async function createTsmsServer(options: TsmsServerOptions): Promise<TsmsApp> {
  const { tls, logger, metrics, backend } = options;
  const app: TsmsApp = Fastify({
    https: {
      key: tls.key,
      cert: tls.certificate,
      minVersion: 'TLSv1.2',
      handshakeTimeout: 10_000,
      maxHeaderSize: 16_384,
    },
    loggerInstance: logger,
    bodyLimit: MAX_JSON,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    logController: new LogController({ disableRequestLogging: true }),
    // Paths that cannot be read, or names longer than any: there are none such.
    frameworkErrors: (_error, _request, reply) => void reply.raw.writeHead(404, { 'content-length': 0 }).end(),
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  guardHandshakes(app.server, metrics, logger);
  app.decorateRequest('serviceProvider', null);
  await app.register(multipart, { limits: uploadLimits });
  takeBodiesAsJson(app);
  answerErrors(app);
  // Before a token is looked up: to be refused is not free either.
  if (options.rate !== undefined) await limitRates(app as unknown as FastifyInstance, options.rate);
  authenticate(app, backend);
  for (const operation of OPERATIONS) {
    app.route({
      method: operation.method,
      url: TSMS_BASE + operation.path,
      config: { tsms: operation },
      // What GET may be asked, HEAD may. @see RFC 9110 9.3.2
      exposeHeadRoute: operation.method === 'GET',
      bodyLimit: operation.body === 'file' ? MAX_FORM : MAX_JSON,
      handler: async (request, reply) => {
        const answer = await run(request, operation, backend);
        return send(answer, operation, reply);
      },
    });
  }
  if (options.extensions !== undefined) extensionRoutes(app, backend, options.extensions);
  refuseOthers(app);
  await app.ready();
  return app;
}

/** A method that a path does not have, and a path that there is not: no body. @see BSI TR-03165 1.0.4, 4.1.5 */
function refuseOthers(app: TsmsApp): void {
  const known = new Map<string, string[]>();
  for (const { path, method } of OPERATIONS)
    known.set(path, [...(known.get(path) ?? []), method, ...(method === 'GET' ? ['HEAD'] : [])]);
  for (const name of METHODS) if (name !== 'CONNECT' && !app.supportedMethods.includes(name)) app.addHttpMethod(name);
  for (const [path, methods] of known) {
    app.route({
      method: METHODS.filter((name) => name !== 'CONNECT' && !methods.includes(name)),
      url: TSMS_BASE + path,
      onRequest: async (_request, reply) => reply.code(405).header('allow', methods.join(', ')).send(),
      handler: async () => undefined,
    });
  }
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send());
}

function takeBodiesAsJson(app: TsmsApp): void {
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      done(null, parseJson(request, Buffer.from(bytes)));
    } catch {
      done(malformed(request, 'a JSON text in UTF-8'));
    }
  });
}

/** What the operation lists for a body that is none of its own: 1002, or else 1008. */
function malformed(request: FastifyRequest, wanted: string): TsmsError {
  const errors = request.routeOptions.config.tsms?.errors ?? [];
  return errors.includes(1002)
    ? invalidRequest(`request body has to be ${wanted}`)
    : wrongFormat('request body', '', wanted);
}

function answerErrors(app: TsmsApp): void {
  app.setErrorHandler(async (thrown, request, reply) => {
    const error = errorOf(thrown, request);
    if (error.category === 2000) request.log.error({ err: thrown, route: request.routeOptions.url }, 'request failed');
    const body = { errorCategory: Number(error.category), errorMessage: error.message };
    // The document knows no such status, and the form of its errors fits.
    const status = thrown instanceof LimitError ? 429 : error.status;
    if (status === 401) reply.header('www-authenticate', challengeOf(request));
    await reply.code(status).type('application/json').send(body);
  });
}

function errorOf(thrown: unknown, request: FastifyRequest): TsmsError {
  if (thrown instanceof TsmsError) return thrown;
  if (thrown instanceof LimitError) return invalidRequest(thrown.message);
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  if (statusCode === 413 && request.routeOptions.config.tsms?.body === 'file') return tooBig();
  if (statusCode === 413) return malformed(request, `of ${MAX_JSON} bytes at most`);
  if (statusCode === 415) return malformed(request, 'application/json');
  if (typeof code === 'string' && code.startsWith('FST_') && statusCode === 400) return malformed(request, 'whole');
  return new TsmsError(2000, `Internal server error: ${mayPass(thrown) ? 'try again later' : 'our fault'}`);
}

/** Before a body is read. */
function authenticate(app: TsmsApp, backend: TsmsBackend): void {
  app.addHook('onRequest', async (request) => {
    const operation = request.routeOptions.config.tsms;
    if (operation === undefined) return;
    if (operation.id !== 'createAccessToken') {
      const token = bearerOf(request);
      if (token === undefined) throw tsmsError(1000);
      request.serviceProvider = await backend.authenticate(token);
    }
    // Query parameters are nobody's: the document has none, and none of its errors is about them.
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (operation.body !== 'none') return;
    if (length !== '0' || encoding !== undefined) throw tsmsError(1002);
    // Many clients name the type of the body that they do not send.
    delete request.headers['content-type'];
  });
}

async function run(request: FastifyRequest, operation: Operation, backend: TsmsBackend): Promise<TsmsAnswer> {
  if (operation.id === 'createAccessToken') {
    const token = bearerOf(request);
    if (token === undefined) throw tsmsError(1001);
    return { json: await backend.accessToken(token) };
  }
  const { serviceProvider: provider, params } = request;
  if (provider === null) throw tsmsError(1000);
  const call = { operation: operation.id, provider, params: params as Readonly<Record<string, string>> };
  if (operation.body === 'file') return backend.run({ ...call, upload: await receiveUpload(request) });
  if (operation.body === 'json') return backend.run({ ...call, body: request.body as never });
  return backend.run(call);
}

async function send(
  answer: TsmsAnswer,
  { method }: Operation,
  reply: import('fastify').FastifyReply,
): Promise<unknown> {
  if (answer === undefined) return reply.code(method === 'DELETE' ? 204 : 200).send();
  if ('json' in answer) return reply.type('application/json').send(JSON.stringify(answer.json));
  return reply
    .type('application/octet-stream')
    .header('content-disposition', dispositionOf(answer.fileName))
    .header('x-content-type-options', 'nosniff')
    .send(Buffer.from(answer.content));
}

/** The name in ASCII, and as it is where that differs; nothing in it leads to another folder. @see RFC 6266, 4.3 */
function dispositionOf(fileName: string): string {
  const plain = `attachment; filename="${fileName.replaceAll(/[^\w. -]/g, '_')}"`;
  const name = fileName.toWellFormed().replaceAll(/[\p{Cc}\p{Bidi_Control}"*/:<>?\\|]/gu, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return /^[\w. -]*$/.test(name) ? plain : `${plain}; filename*=UTF-8''${encoded}`;
}
