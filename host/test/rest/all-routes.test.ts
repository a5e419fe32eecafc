// SPDX-License-Identifier: Apache-2.0

import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import pino from 'pino';
import { Registry } from 'prom-client';
import { EXT_DOCUMENT, extDocument } from '../../rest/ext-document.ts';
import { type Peer, peerUri, ROLES, type Role } from '../../rest/identity.ts';
import { appSideRoutes, frontRoutes } from '../../rest/routes/front/routes.ts';
import { APPLICATION_BYTES } from '../../rest/routes/issuer/products.ts';
import { issuerRoutes } from '../../rest/routes/issuer/routes.ts';
import { kmsRoutes } from '../../rest/routes/kms/routes.ts';
import { campaignRoutes } from '../../rest/routes/ota/campaigns.ts';
import { packetCounterRoutes } from '../../rest/routes/ota/packet-counters.ts';
import { otaRoutes } from '../../rest/routes/ota/routes.ts';
import { subscriptionRoutes } from '../../rest/routes/ota/subscriptions.ts';
import { providerRoutes } from '../../rest/routes/provider/routes.ts';
import { textRoutes } from '../../rest/routes/terminal/texts.ts';
import type { RestServerOptions } from '../../rest/server.ts';
import { createTsmsServer } from '../../rest/tsms/server.ts';
import { TestServer, testPki } from './fixture.ts';

/**
 * Every route of every daemon, found in its own OpenAPI document. Behind the routes stands nothing:
 * a request that the framework lets through would end as 500, so a refusal is seen to be a refusal.
 */
const nothing = new Proxy({}, { get: () => undefined }) as never;
const DAEMONS: { name: Role; routes: RestServerOptions['routes'] }[] = [
  {
    name: 'ota',
    routes: (app) => {
      otaRoutes(app, nothing, nothing, 'main');
      subscriptionRoutes(app, nothing);
      campaignRoutes(app, nothing);
      packetCounterRoutes(app, nothing);
    },
  },
  { name: 'issuer', routes: (app) => issuerRoutes(app, nothing) },
  { name: 'provider', routes: (app) => providerRoutes(app, nothing) },
  { name: 'terminal', routes: (app) => textRoutes(app, nothing, nothing) },
  { name: 'front', routes: (app) => frontRoutes(app, nothing) },
  { name: 'kms', routes: (app) => kmsRoutes(app, nothing, { role: 'provider', id: 'a' }) },
];
const LIMIT = 20_000;
/** Of routes that take more. */
const OWN_LIMITS = new Map([['/v1/application-requests', APPLICATION_BYTES]]);

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly access: readonly string[];
  readonly body: Schema | undefined;
  readonly responses: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly allow: string;
  readonly problem: {
    readonly type: string;
    readonly errors?: readonly { readonly field: string; readonly message: string }[];
  };
}

/** Paths of objects that would take unknown fields. */
function looseObjects(schema: Schema, at: string): string[] {
  const own =
    schema.type === 'object' && schema.properties !== undefined && schema.additionalProperties !== false ? [at] : [];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, part]) => looseObjects(part, `${at}/${name}`));
  const items = schema.items === undefined ? [] : looseObjects(schema.items, `${at}[]`);
  return [...own, ...inner, ...items, ...(schema.anyOf ?? []).flatMap((part) => looseObjects(part, `${at}|`))];
}

for (const daemon of DAEMONS) {
  describe(`every route of ${daemon.name}`, () => {
    let server: TestServer;
    let operations: Operation[];
    /** Connections of each peer, which serve one request after the other: a handshake costs more than most answers. */
    const agents = new Map<string, Promise<Agent>>();
    const agentOf = (peer: Peer): Promise<Agent> => {
      const connect = async (): Promise<Agent> => {
        const { authority: ca, key, certificate: cert } = await (await testPki()).identity(peer);
        return new Agent({ keepAlive: true, ca, key, cert });
      };
      const known = agents.get(peerUri(peer)) ?? connect();
      agents.set(peerUri(peer), known);
      return known;
    };

    before(async () => {
      server = await TestServer.start({ role: daemon.name, id: 'main' }, daemon.routes, { bodyLimitBytes: LIMIT });
      const document = server.app.swagger() as unknown as { paths: Record<string, Record<string, never>> };
      operations = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({
          method: method.toUpperCase(),
          path,
          access: (operation as { 'x-access': string[] })['x-access'],
          body: (operation as { requestBody?: { content?: Record<string, { schema: Schema }> } }).requestBody
            ?.content?.['application/json']?.schema,
          responses: Object.keys((operation as { responses: object }).responses),
        })),
      );
    });
    after(async () => {
      for (const agent of agents.values()) (await agent).destroy();
      await server[Symbol.asyncDispose]();
    });

    const own = () => operations.filter(({ path }) => path.startsWith('/v1/') || path.startsWith('/ext/1/security'));

    async function send(
      operation: Operation,
      body: string | undefined,
      options: { peer?: string; platform?: string; type?: string; query?: string } = {},
    ): Promise<Answer> {
      const [role, id = 'a'] = (options.peer ?? operation.access[0] ?? '').split(':');
      const agent = await agentOf(
        role === 'operator'
          ? { role, id, platform: { role: daemon.name, id: options.platform ?? 'main' } }
          : { role: role as Role, id },
      );
      const card = operation.path.replace('{kind}', 'iccid').replace('{keySet}', '1');
      const named = card.replaceAll(/\{[^}]+\}/g, '0'.repeat(32));
      const path = named + (options.query ?? '');
      return new Promise((resolve, reject) => {
        const request = httpsRequest(
          {
            host: '127.0.0.1',
            port: server.port,
            path,
            method: operation.method,
            agent,
            headers: {
              'idempotency-key': 'key-00000001',
              ...(body === undefined
                ? {}
                : { 'content-type': options.type ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
            },
          },
          (response) => {
            let text = '';
            response.on('data', (part: Buffer) => {
              text += part.toString();
            });
            response.on('end', () =>
              resolve({
                status: response.statusCode ?? 0,
                type: String(response.headers['content-type']),
                allow: String(response.headers.allow),
                problem: text === '' ? { type: '' } : JSON.parse(text),
              }),
            );
          },
        );
        request.on('error', (error: NodeJS.ErrnoException) => {
          // The server may close a connection that nobody uses just when it is taken again.
          if (request.reusedSocket && error.code === 'ECONNRESET') send(operation, body, options).then(resolve, reject);
          else reject(error);
        });
        request.end(body);
      });
    }

    function expectProblem(answer: Answer, status: number, code: string, operation: Operation): void {
      const where = `${operation.method} ${operation.path}`;
      expect(answer.status, where).to.equal(status);
      expect(answer.type, where).to.contain('application/problem+json');
      expect(answer.problem.type, where).to.equal(`urn:opentsm:problem:${code}`);
    }

    it('has routes', () => {
      expect(own().length).to.be.greaterThan(0);
    });

    it('lets no unknown field in, at any depth', () => {
      for (const { method, path, body } of own()) {
        if (body !== undefined) expect(looseObjects(body, `${method} ${path} `)).to.deep.equal([]);
      }
    });

    it('refuses an unknown field by name', async () => {
      for (const operation of own().filter(({ body }) => body !== undefined)) {
        const answer = await send(operation, JSON.stringify({ unheardOf: 1 }));
        expectProblem(answer, 400, 'invalid-request', operation);
        expect(answer.problem.errors?.map(({ field }) => field)).to.include('/unheardOf');
      }
    });

    it('refuses a wrong type in each field, by name', async () => {
      for (const operation of own()) {
        for (const [name, schema] of Object.entries(operation.body?.properties ?? {})) {
          const wrong =
            schema.type === 'boolean' || schema.type === 'object' || schema.anyOf !== undefined
              ? 'x y'
              : { wrong: true };
          const answer = await send(operation, JSON.stringify({ [name]: wrong }));
          expectProblem(answer, 400, 'invalid-request', operation);
          expect(
            answer.problem.errors?.some(({ field }) => field === `/${name}` || field.startsWith(`/${name}/`)),
            `${operation.path} ${name}`,
          ).to.equal(true);
        }
      }
    });

    it('refuses a body over the limit, one that is no JSON, one of another kind, and none', async () => {
      for (const operation of own().filter(({ body }) => body !== undefined)) {
        expectProblem(
          await send(operation, JSON.stringify({ x: 'y'.repeat(OWN_LIMITS.get(operation.path) ?? LIMIT) })),
          413,
          'body-too-large',
          operation,
        );
        expectProblem(await send(operation, '{"a":'), 400, 'invalid-request', operation);
        expectProblem(
          await send(operation, 'a=b', { type: 'application/x-www-form-urlencoded' }),
          415,
          'media-type',
          operation,
        );
        const deep = '['.repeat(LIMIT / 2) + ']'.repeat(LIMIT / 2);
        for (const body of ['null', '[]', '"x"', '1', deep])
          expectProblem(await send(operation, body), 400, 'invalid-request', operation);
      }
    });

    it('refuses query parameters that it does not know', async () => {
      for (const operation of own()) {
        const answer = await send(operation, operation.body === undefined ? undefined : '{}', {
          query: '?unheardOf=1',
        });
        expectProblem(answer, 400, 'invalid-request', operation);
      }
    });

    it('refuses every role that it does not name', async () => {
      for (const operation of own()) {
        const roles = ROLES.filter(
          (role) => !operation.access.some((entry) => entry === role || entry.startsWith(`${role}:`)),
        );
        expect(roles.length, operation.path).to.be.greaterThan(0);
        for (const role of roles)
          expectProblem(await send(operation, '{}', { peer: role }), 403, 'access-denied', operation);
        for (const entry of operation.access.filter((name) => name.includes(':'))) {
          expectProblem(
            await send(operation, '{}', { peer: `${entry.split(':')[0]}:other` }),
            403,
            'access-denied',
            operation,
          );
        }
      }
    });

    it('refuses operators of another platform of its kind', async () => {
      for (const operation of own().filter(({ access }) => access.includes('operator'))) {
        expectProblem(await send(operation, '{}', { platform: 'other' }), 403, 'access-denied', operation);
      }
    });

    it('answers 405 to methods that a path does not have, and says which it has', async () => {
      const paths = new Map(own().map((operation) => [operation.path, operation]));
      for (const operation of paths.values()) {
        const has = own().filter(({ path }) => path === operation.path);
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
          if (has.some((known) => known.method === method)) continue;
          const answer = await send({ ...operation, method }, undefined);
          expectProblem(answer, 405, 'method-not-allowed', { ...operation, method });
          for (const known of has) expect(answer.allow).to.contain(known.method);
        }
      }
    });

    it('documents its header, 204 and error answers', () => {
      for (const operation of own()) {
        expect(operation.responses).to.include.members(['400', '403', '404', '405', '409', '422', '429', '503']);
        if (operation.method === 'DELETE') expect(operation.responses).to.include.oneOf(['202', '204']);
        if (operation.method === 'PUT') expect(operation.responses).to.include.oneOf(['200', '204']);
        expect(operation.responses.filter((status) => status.startsWith('2'))).to.have.length(1);
      }
    });

    it('refuses NUL in each text field', async () => {
      for (const operation of own()) {
        for (const name of Object.keys(operation.body?.properties ?? {})) {
          const answer = await send(operation, JSON.stringify({ [name]: 'a\u0000b' }));
          expectProblem(answer, 400, 'invalid-request', operation);
        }
      }
    });
  });
}

/** Where `/ext` is served: the front's app side and its operators', the TSM-Backend, the issuer for TSMs of others. */
async function extDocuments() {
  await using parts = new AsyncDisposableStack();
  const at = async (name: Role, routes: RestServerOptions['routes']) =>
    parts.use(await TestServer.start({ role: name, id: 'main' }, routes));
  const app = await at('front', (own) => {
    appSideRoutes(own, { actions: nothing, sessions: nothing, tsmApi: nothing, extensions: true });
  });
  const operators = await at('front', (own) => frontRoutes(own, nothing));
  const issuer = await at('issuer', (own) => issuerRoutes(own, nothing));
  const tls = await (await testPki()).identity({ role: 'provider', id: 'a' });
  const backend = parts.adopt(
    await createTsmsServer({
      tls,
      backend: nothing,
      logger: pino({ level: 'silent' }),
      metrics: new Registry(),
      extensions: { scripts: nothing, attributes: nothing, sposOptions: nothing },
    }),
    (server) => server.close(),
  );
  const served = await backend.inject({ method: 'GET', url: EXT_DOCUMENT });
  return {
    app: extDocument(app.app.swagger(), 'bearer'),
    operators: extDocument(operators.app.swagger(), 'certificate'),
    issuer: extDocument(issuer.app.swagger(), 'certificate'),
    backend: JSON.parse(served.body) as ReturnType<typeof extDocument>,
    status: served.statusCode,
  };
}

describe('the document of our extensions', () => {
  it('is served by the TSM-Backend without a token, and has all its routes below /ext', async () => {
    const { backend, status } = await extDocuments();
    expect(status).to.equal(200);
    expect(Object.keys(backend.paths)).to.deep.equal([
      '/ext/1/products/{kind}/{value}/{serviceId}',
      '/ext/1/services/{serviceId}/actions/{actionCode}',
      '/ext/1/services/{serviceId}/scripts/{name}/{version}',
      '/ext/1/services/{serviceId}/scripts/{name}/{version}/publish',
      '/ext/1/spos-options/{sposConfigId}',
    ]);
  });

  it('stands in docs/openapi/ext/ext.json as all listeners have it', async () => {
    const { app, operators, backend, issuer } = await extDocuments();
    const paths: Record<string, Record<string, object>> = {};
    for (const document of [app, operators, backend, issuer])
      for (const [path, item] of Object.entries(document.paths)) {
        expect(paths, path).not.to.have.property(path);
        const secured = Object.entries(item).map(([method, operation]) => [
          method,
          { ...operation, security: document.security },
        ]);
        paths[path] = Object.fromEntries(secured);
      }
    const securitySchemes = { ...app.components.securitySchemes, ...operators.components.securitySchemes };
    const { openapi, info } = app;
    const whole = { openapi, info, components: { securitySchemes }, paths };
    const text = `${JSON.stringify(whole, null, 1)}\n`;
    expect((await new Validator().validate(JSON.parse(text))).errors).to.equal(undefined);
    const file = join(import.meta.dirname, '../../../docs/openapi/ext/ext.json');
    const made = join(import.meta.dirname, '../../../build/ext.json');
    await writeFile(made, text);
    expect(await readFile(file, 'utf8').catch(() => ''), `cp build/ext.json ${file}`).to.equal(text);
  });
});
