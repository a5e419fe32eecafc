// SPDX-License-Identifier: Apache-2.0
import { request as httpsRequest } from 'node:https';
import { expect } from 'chai';
import { Type } from 'typebox';
import {
  ConflictError,
  InvariantError,
  NotFoundError,
  PeerError,
  PolicyError,
  StatusWordError,
  TransportError,
} from '../../errors.ts';
import type { RestApp } from '../../rest/app.ts';
import { pauseAfter } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { problemOf } from '../../rest/problem.ts';
import { TestServer, testPki } from './fixture.ts';

const OTA: Peer = { role: 'ota', id: 'main' };
const PROVIDER: Peer = { role: 'provider', id: 'a' };
const ISSUER: Peer = { role: 'issuer', id: 'main' };

const Body = Type.Object(
  { name: Type.String({ maxLength: 8 }), count: Type.Optional(Type.Integer()) },
  { additionalProperties: false },
);
const Answer = Type.Object({ name: Type.String() }, { additionalProperties: false });

function routes(app: RestApp): void {
  app.post(
    '/v1/things',
    { config: { access: ['provider:a'] }, schema: { body: Body, response: { 200: Answer } } },
    async (request) => ({
      name: request.body.name,
    }),
  );
  app.get('/v1/plain-error', { config: { access: ['provider'] } }, async () => {
    throw new Error('the secret is in here');
  });
  app.get('/v1/invariant', { config: { access: ['provider'] } }, async () => {
    throw new InvariantError('broken', 'the secret is in here');
  });
  app.get('/v1/typed', { config: { access: ['provider'] } }, async () => {
    throw new StatusWordError('select-failed', 'the card has no such application', { sw: '6A82', numeral: '45' });
  });
  app.get('/v1/missing', { config: { access: ['any-peer'] } }, async () => {
    throw new NotFoundError('no-such-thing', 'there is no such thing');
  });
  app.get(
    '/v1/leaky',
    { config: { access: ['provider'] }, schema: { response: { 200: Answer } } },
    async () => ({ name: 'x', extra: 'y' }) as never,
  );
  app.get('/v1/long', { config: { access: ['provider'] } }, async () => ({ text: 'x'.repeat(10_000) }));
}

async function refusal(work: Promise<unknown>): Promise<PeerError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PeerError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** A request with full control over headers and certificate. */
async function raw(
  server: TestServer,
  options: { peer?: Peer; path: string; method?: string; body?: string; type?: string },
): Promise<{ status: number; type: string; body: string }> {
  const pki = await testPki();
  const tls = options.peer === undefined ? undefined : await pki.identity(options.peer);
  const authority = (await pki.identity(OTA)).authority;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port: server.port,
        path: options.path,
        method: options.method ?? 'POST',
        ca: authority,
        key: tls?.key,
        cert: tls?.certificate,
        agent: false,
        headers: { 'content-type': options.type ?? 'application/json' },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: String(response.headers['content-type']),
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

describe('REST server', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start(OTA, routes, { bodyLimitBytes: 512 });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('answers a peer that may call and follows the schema', async () => {
    const client = await server.client(PROVIDER);
    const answer = await client.call({
      method: 'POST',
      path: '/v1/things',
      body: { name: 'one', count: 2 },
      response: Answer,
    });
    expect(answer).to.deep.equal({ name: 'one' });
  });

  const wrong: { name: string; body: unknown; field: string }[] = [
    { name: 'an unknown field', body: { name: 'one', other: 1 }, field: '/other' },
    { name: 'a wrong type, without turning it into the right one', body: { name: 'one', count: '2' }, field: '/count' },
    { name: 'a number for a text', body: { name: 1 }, field: '/name' },
    { name: 'a missing field', body: {}, field: '/name' },
    { name: 'too long a text', body: { name: '123456789' }, field: '/name' },
    { name: 'a list for an object', body: [], field: '' },
    { name: 'null for an object', body: null, field: '' },
  ];
  for (const { name, body, field } of wrong) {
    it(`refuses ${name} and names the field`, async () => {
      const answer = await raw(server, { peer: PROVIDER, path: '/v1/things', body: JSON.stringify(body) });
      expect(answer.status).to.equal(400);
      expect(answer.type).to.contain('application/problem+json');
      const problem = JSON.parse(answer.body);
      expect(problem.type).to.equal('urn:opentsm:problem:invalid-request');
      if (body !== null) expect(problem.errors.map((entry: { field: string }) => entry.field)).to.include(field);
    });
  }

  it('refuses a body over the limit', async () => {
    const answer = await raw(server, {
      peer: PROVIDER,
      path: '/v1/things',
      body: JSON.stringify({ name: 'x'.repeat(600) }),
    });
    expect(answer.status).to.equal(413);
    expect(JSON.parse(answer.body).type).to.equal('urn:opentsm:problem:body-too-large');
  });

  it('refuses what is not JSON, by text and by media type', async () => {
    const broken = await raw(server, { peer: PROVIDER, path: '/v1/things', body: '{"name":' });
    expect(broken.status).to.equal(400);
    expect(broken.type).to.contain('application/problem+json');
    const text = await raw(server, { peer: PROVIDER, path: '/v1/things', body: 'name=one', type: 'text/plain' });
    expect(text.status).to.equal(415);
    const polluted = await raw(server, {
      peer: PROVIDER,
      path: '/v1/things',
      body: '{"name":"x","__proto__":{"a":1}}',
    });
    expect(polluted.status).to.equal(400);
  });

  it('refuses query parameters and bodies that a route does not have', async () => {
    const client = await server.client(PROVIDER);
    expect(
      (await refusal(client.call({ method: 'GET', path: '/v1/missing', query: { a: 1 } }))).context.status,
    ).to.equal(400);
    const body = await raw(server, { peer: PROVIDER, path: '/v1/missing?x=1', method: 'GET' });
    expect(body.status).to.equal(400);
  });

  it('refuses NUL in a text that its schema leaves free', async () => {
    const answer = await raw(server, { peer: PROVIDER, path: '/v1/things', body: '{"name":"a\\u0000b"}' });
    expect(answer.status).to.equal(400);
    expect(JSON.parse(answer.body).errors).to.deep.equal([{ field: '/name', message: 'must not hold NUL' }]);
  });

  it('lets nobody in without a client certificate', async () => {
    let code = '';
    try {
      await raw(server, { path: '/health/live', method: 'GET' });
    } catch (error) {
      code = String((error as NodeJS.ErrnoException).code);
    }
    expect(code).to.match(/ECONNRESET|CERTIFICATE_REQUIRED/);
  });

  it('refuses another role and another peer of the same role, before it reads the body', async () => {
    for (const peer of [ISSUER, { role: 'provider', id: 'b' } as const]) {
      const client = await server.client(peer);
      const error = await refusal(
        client.call({ method: 'POST', path: '/v1/things', body: { nonsense: true }, response: Answer }),
      );
      expect(error.code).to.equal('access-denied');
      expect(error.context.status).to.equal(403);
    }
  });

  it('hides what it does not know: plain errors, broken invariants, responses against the contract', async () => {
    for (const path of ['/v1/plain-error', '/v1/invariant', '/v1/leaky']) {
      const answer = await raw(server, { peer: PROVIDER, path, method: 'GET' });
      expect(answer.status).to.equal(500);
      expect(JSON.parse(answer.body)).to.deep.equal({
        type: 'urn:opentsm:problem:internal',
        title: 'Internal error',
        status: 500,
        instance: path,
      });
    }
  });

  it('carries code, numeral and facts of a typed error to the caller', async () => {
    const client = await server.client(PROVIDER);
    const error = await refusal(client.call({ method: 'GET', path: '/v1/typed' }));
    expect(error.code).to.equal('select-failed');
    expect(error.message).to.equal('the card has no such application');
    expect(error.context).to.include({ status: 502, numeral: '45', type: 'urn:opentsm:problem:select-failed' });
  });

  it('answers an unknown path with a problem document, whatever the request brings', async () => {
    for (const request of [
      { path: '/nowhere', method: 'GET' },
      { path: '/nowhere?limit=5', method: 'GET' },
      { path: '/nowhere', body: '{}' },
    ]) {
      const answer = await raw(server, { peer: PROVIDER, ...request });
      expect(answer.status).to.equal(404);
      expect(JSON.parse(answer.body).type).to.equal('urn:opentsm:problem:no-such-route');
    }
  });

  it('has health, metrics and an OpenAPI 3.1 document of its routes', async () => {
    const client = await server.client(ISSUER);
    const Ok = Type.Object({ status: Type.Literal('ok') });
    expect(await client.call({ method: 'GET', path: '/health/live', response: Ok })).to.deep.equal({ status: 'ok' });
    expect(await client.call({ method: 'GET', path: '/health/ready', response: Ok })).to.deep.equal({ status: 'ok' });
    const metrics = await raw(server, { peer: ISSUER, path: '/metrics', method: 'GET' });
    expect(metrics.body).to.contain('opentsm_http_request_seconds_count');
    const document = JSON.parse((await raw(server, { peer: ISSUER, path: '/openapi.json', method: 'GET' })).body);
    expect(document.openapi).to.equal('3.1.0');
    const operation = document.paths['/v1/things'].post;
    expect(operation['x-access']).to.deep.equal(['provider:a']);
    expect(operation.requestBody.content['application/json'].schema.additionalProperties).to.equal(false);
  });

  it('says not ready while the daemon cannot work', async () => {
    await using sick = await TestServer.start(OTA, () => {}, {
      ready: async () => {
        throw new TransportError('database-gone', 'the database cannot be reached');
      },
    });
    const client = await sick.client(PROVIDER);
    expect((await refusal(client.call({ method: 'GET', path: '/health/ready' }))).context.status).to.equal(503);
  });

  it('does not start with a route that names no callers, or a schema that lets unknown fields in', async () => {
    const start = async (routes: (app: RestApp) => void) => {
      try {
        const server = await TestServer.start(OTA, routes);
        await server[Symbol.asyncDispose]();
      } catch (error) {
        return (error as InvariantError).code;
      }
      return 'started';
    };
    expect(await start((app) => void app.get('/open', async () => ({})))).to.equal('route-access');
    const loose = Type.Object({ a: Type.String() });
    expect(
      await start(
        (app) =>
          void app.post('/loose', { config: { access: ['provider'] }, schema: { body: loose } }, async () => ({})),
      ),
    ).to.equal('loose-schema');
  });
});

describe('REST client', () => {
  it('talks only to the peer it expects', async () => {
    await using server = await TestServer.start(OTA, routes);
    const client = await server.client(PROVIDER, { expectedPeer: { role: 'kms', id: 'main' } });
    const error = await client.call({ method: 'GET', path: '/v1/missing' }).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(TransportError);
    expect((error as TransportError).code).to.equal('peer-unreachable');
  });

  it('refuses an answer that is too long or against the schema', async () => {
    await using server = await TestServer.start(OTA, routes);
    const short = await server.client(PROVIDER, { maxResponseBytes: 1_000 });
    expect((await refusal(short.call({ method: 'GET', path: '/v1/long', response: Type.Any() }))).code).to.equal(
      'peer-answer',
    );
    const client = await server.client(PROVIDER);
    expect((await refusal(client.call({ method: 'GET', path: '/v1/long', response: Answer }))).message).to.contain(
      '/name',
    );
  });

  it('tells a peer that is not there from one that went away in the middle', async () => {
    const server = await TestServer.start(OTA, (app) => {
      app.get('/v1/dies', { config: { access: ['provider'] } }, async (request) => {
        request.raw.socket.destroy();
      });
    });
    const client = await server.client(PROVIDER);
    const lost = await client.call({ method: 'GET', path: '/v1/dies' }).catch((caught: unknown) => caught);
    expect((lost as TransportError).code).to.equal('connection-lost');
    server.app.server.closeAllConnections();
    await server.app.close();
    const gone = await client.call({ method: 'GET', path: '/v1/dies', retries: 1 }).catch((caught: unknown) => caught);
    expect((gone as TransportError).code).to.equal('peer-unreachable');
    await client.close();
  });

  it('sends no user to another login for what a peer has answered', () => {
    const code = 'insufficient-user-authentication';
    expect(problemOf(new PolicyError(code, 'log in again')).status).to.equal(401);
    for (const peers of [new PeerError(code, 'log in', { status: 401 }), new ConflictError(code, 'log in')])
      expect(problemOf(peers).status).not.to.equal(401);
  });

  it('lets a peer alone that has too much to do, and those whom one break has met come back one by one', () => {
    const busy = new PeerError('overloaded', 'too much to do', { status: 503 });
    const away = new TransportError('connection-lost', 'the connection failed');
    const pauses = (error: Error, attempt: number) => Array.from({ length: 50 }, () => pauseAfter(attempt, error));
    expect(Math.min(...pauses(busy, 0))).to.be.at.least(1_000);
    expect(Math.max(...pauses(away, 0))).to.be.at.most(100);
    expect(Math.max(...pauses(away, 40))).to.be.at.most(2_000);
    expect(new Set(pauses(away, 40)).size).to.be.greaterThan(1);
  });

  it('asks again while the peer says that it cannot answer now, and hears every other refusal', async () => {
    const Asked = Type.Object({ asked: Type.Integer() }, { additionalProperties: false });
    let asked = 0;
    await using server = await TestServer.start(OTA, (app) => {
      const options = { config: { access: ['provider'] as const }, schema: { response: { 200: Asked } } };
      app.get('/v1/away', options, async () => {
        asked += 1;
        if (asked % 3 !== 0) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
        return { asked };
      });
      app.get('/v1/busy', options, async () => {
        asked += 1;
        throw new ConflictError('card-busy', 'for another');
      });
    });
    const client = await server.client(PROVIDER);
    const ask = (path: string, retries?: number) =>
      client.call({ method: 'GET', path, response: Asked, ...(retries === undefined ? {} : { retries }) });
    expect(await ask('/v1/away', 2)).to.deep.equal({ asked: 3 });
    expect((await refusal(ask('/v1/away'))).code).to.equal('database');
    asked = 0;
    expect((await refusal(ask('/v1/busy', 2))).code).to.equal('card-busy');
    expect(asked).to.equal(1);
  });

  it('gives up after the time limit', async () => {
    await using server = await TestServer.start(OTA, (app) => {
      app.get('/v1/silent', { config: { access: ['provider'] } }, () => new Promise(() => {}));
    });
    const client = await server.client(PROVIDER);
    const error = await client
      .call({ method: 'GET', path: '/v1/silent', timeoutMs: 200 })
      .catch((caught: unknown) => caught);
    expect((error as TransportError).code).to.equal('time-over');
  });
});
