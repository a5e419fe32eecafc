// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SignJWT, UnsecuredJWT } from 'jose';
import { Type } from 'typebox';
import { Agent, request } from 'undici';
import { type DevelopmentUsers, openDevelopmentUsers } from '../../local/development-users.ts';
import { UserTokens } from '../../rest/user-tokens.ts';
import { TestServer, testPki } from '../rest/fixture.ts';

/** Who is let in at the app side, and with which tokens nobody is. */
describe('Tokens of users', () => {
  let folder: string;
  let users: DevelopmentUsers;
  let server: TestServer;
  let dispatcher: Agent;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-users-'));
    users = await openDevelopmentUsers(folder);
    const Who = Type.Object({ who: Type.String() }, { additionalProperties: false });
    const schema = { response: { 200: Who } };
    server = await TestServer.start(
      { role: 'front', id: 'main' },
      (app) => {
        app.get('/ext/1/me', { config: { access: ['user'] }, schema }, async ({ peer }) => ({ who: peer.id }));
        app.get('/gp/open', { config: { access: ['public'] }, schema }, async ({ peer }) => ({ who: peer.id }));
        app.get('/v1/inside', { config: { access: ['operator'] }, schema }, async ({ peer }) => ({ who: peer.id }));
      },
      { users: await UserTokens.open(users) },
    );
    dispatcher = new Agent({ connect: { ca: await readFile((await testPki()).authorityFile, 'utf8') } });
  });
  after(async () => {
    await dispatcher?.destroy();
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function get(path: string, token?: string) {
    const { statusCode, body, headers } = await request(`https://127.0.0.1:${server.port}${path}`, {
      dispatcher,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    return { status: statusCode, headers, body: (await body.json()) as { who?: string; type?: string } };
  }

  const claims = (token: SignJWT) =>
    token.setIssuer(users.issuer).setAudience(users.audience).setSubject('alice').setIssuedAt().setExpirationTime('1h');

  it('name the user who calls', async () => {
    expect(await get('/ext/1/me', await users.token('alice'))).to.deep.include({ status: 200, body: { who: 'alice' } });
  });

  it('are verified once a minute, and never believed beyond their end', async () => {
    let at = Date.now();
    const tokens = await UserTokens.open({ ...users, now: () => at });
    const bearer = `Bearer ${await users.token('alice')}`;
    const first = await tokens.userOf(bearer);
    at += 59_000;
    expect((await tokens.userOf(bearer)) === first, 'remembered').to.equal(true);
    at += 2_000;
    const anew = await tokens.userOf(bearer);
    expect(anew).to.deep.equal(first);
    expect(anew === first, 'verified anew').to.equal(false);
    const short = `Bearer ${await users.token('alice', 90)}`;
    await tokens.userOf(short);
    at += 40_000;
    await tokens.userOf(short);
    // Past its end and the tolerance for clocks, 30 s; a minute has not passed since it was verified.
    at += 55_000;
    expect(await tokens.userOf(short).catch((error: unknown) => error)).to.have.property('code', 'token-refused');
  });

  it('are asked for with 401 where there is none, and not where anybody may call', async () => {
    const answer = await get('/ext/1/me');
    expect([answer.status, answer.headers['www-authenticate'], answer.body.type]).to.deep.equal([
      ...[401, 'Bearer', 'urn:opentsm:problem:token-missing'],
    ]);
    expect((await get('/gp/open')).status).to.equal(200);
  });

  it('open no route of operators, and no figures', async () => {
    expect((await get('/v1/inside', await users.token('alice'))).status).to.equal(403);
    for (const path of ['/metrics', '/openapi.json']) expect((await get(path)).status).to.equal(404);
  });

  it('are refused when they are another’s, over, for somebody else, or made with a trick', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const header = { alg: 'ES256', kid: 'development' };
    const jwks = new TextEncoder().encode(await readFile(users.jwksFile, 'utf8'));
    const real = await users.token('alice');
    const [head, body, signature] = real.split('.');
    const admin = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(body ?? '', 'base64url').toString()), sub: 'bob' }),
    );
    const tokens = {
      'another key': await claims(new SignJWT({}).setProtectedHeader(header)).sign(other),
      'the public keys as a secret': await claims(new SignJWT({}).setProtectedHeader({ alg: 'HS256' })).sign(jwks),
      'no signature': new UnsecuredJWT({})
        .setIssuer(users.issuer)
        .setAudience(users.audience)
        .setSubject('alice')
        .setIssuedAt()
        .setExpirationTime('1h')
        .encode(),
      over: await users.token('alice', -3_600),
      'a subject that is no name': await users.token('alice\nbob'),
      changed: `${head}.${admin.toString('base64url')}.${signature}`,
      'no token at all': 'abc',
    };
    for (const [name, token] of Object.entries(tokens)) {
      const answer = await get('/ext/1/me', token);
      expect([answer.status, answer.body.type], name).to.deep.equal([401, 'urn:opentsm:problem:token-refused']);
    }
  });

  it('are refused for another audience or issuer', async () => {
    for (const wrong of [{ audience: 'other' }, { issuer: 'https://other.invalid' }]) {
      const server2 = await UserTokens.open({ ...users, ...wrong });
      const failed = await server2.userOf(`Bearer ${await users.token('alice')}`).catch((error: unknown) => error);
      expect(failed).to.have.property('code', 'token-refused');
    }
  });

  it('wait for an issuer that is away or answers nonsense, and are taken as soon as its keys come', async () => {
    const keys = await readFile(users.jwksFile, 'utf8');
    const answers: { status: number; body: string }[] = [
      { status: 500, body: 'no' },
      { status: 200, body: 'no JSON' },
      { status: 200, body: '{"keys":7}' },
    ];
    const issuer = createServer((_request, response) => {
      const { status, body } = answers.shift() ?? { status: 200, body: keys };
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    issuer.listen(0, '127.0.0.1');
    await once(issuer, 'listening');
    const allowNetworks = ['127.0.0.0/8'];
    try {
      const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
      const remote = await UserTokens.open({ issuer: users.issuer, audience: users.audience, jwksUrl, allowNetworks });
      const authorization = `Bearer ${await users.token('alice')}`;
      while (answers.length > 0) {
        const failed = await remote.userOf(authorization).catch((error: unknown) => error);
        expect(failed, `${answers.length} left`).to.have.property('code', 'token-issuer-away');
      }
      expect(await remote.userOf(authorization)).to.deep.equal({ role: 'user', id: 'alice' });
      issuer.close();
      issuer.closeAllConnections();
      const later = await UserTokens.open({ issuer: users.issuer, audience: users.audience, jwksUrl, allowNetworks });
      const failed = await later.userOf(authorization).catch((error: unknown) => error);
      expect(failed).to.have.property('code', 'token-issuer-away');
    } finally {
      issuer.close();
    }
  });

  it('are checked with keys of no machine beside the front, unless the config allows it', async () => {
    let asked = 0;
    const beside = createServer((_request, response) => {
      asked += 1;
      response.end('{"keys":[]}');
    });
    beside.listen(0, '127.0.0.1');
    await once(beside, 'listening');
    const { port } = beside.address() as AddressInfo;
    const { issuer, audience } = users;
    try {
      for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '10.1.2.3', '169.254.169.254', '2130706433']) {
        const opened = UserTokens.open({ issuer, audience, jwksUrl: `http://${host}:${port}/keys` });
        const error = await opened.catch((reason: unknown) => reason);
        expect(error, host).to.have.property('code', 'address-refused');
      }
      // A name is looked at when it is asked, and the address that was looked at is the one that is taken.
      const named = await UserTokens.open({ issuer, audience, jwksUrl: `http://localhost:${port}/keys` });
      const error = await named.userOf(`Bearer ${await users.token('alice')}`).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'token-issuer-away');
      expect(asked).to.equal(0);
    } finally {
      beside.close();
    }
  });
});
