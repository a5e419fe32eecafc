// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import pino from 'pino';
import { Registry } from 'prom-client';
import { Agent, type Dispatcher, request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { RequestError } from '../../rest/problem.ts';
import { createReverseProxy, type ReverseProxyOptions } from '../../rest/reverse-proxy/server.ts';
import { ServiceNodes } from '../../rest/reverse-proxy/service-nodes.ts';
import { isPlainPath, routeOf, type StaticRoute } from '../../rest/reverse-proxy/static-routes.ts';
import { testPki } from '../rest/fixture.ts';

const LIMIT = 100_000;
const ROUTES: readonly StaticRoute[] = [
  {
    prefix: '/shop',
    pool: 'shop',
    access: 'anybody',
    webSocket: true,
    maxRequestBytes: LIMIT,
    maxResponseBytes: LIMIT,
  },
  { prefix: '/slow', pool: 'shop', access: 'anybody', timeoutMs: 300 },
  { prefix: '/mine', pool: 'shop', access: 'user' },
  { prefix: '/raw', pool: 'raw', access: 'anybody' },
  { prefix: '/half', pool: 'half', access: 'anybody' },
  { prefix: '/none', pool: 'none', access: 'anybody' },
];

/** What arrived at the service behind. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('the reverse proxy of the front', function () {
  this.timeout(60_000);
  const seen: Seen[] = [];
  const closers: (() => Promise<unknown>)[] = [];
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  let port = 0;
  let common: ReverseProxyOptions;
  let rawAnswer = '';
  let failing = 0;

  const listen = async (server: Server | ReturnType<typeof createTcpServer>): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => server.close());
    return (server.address() as AddressInfo).port;
  };

  before(async () => {
    const shop = createServer(async (incoming, answer) => {
      let body = '';
      if (incoming.url === '/shop/echo') {
        answer.writeHead(200, { 'x-echo': '1' });
        for await (const part of incoming) answer.write(part);
        return answer.end();
      }
      for await (const part of incoming) body += part;
      const { method = '', url = '', headers } = incoming;
      seen.push({ method, url, headers, body });
      if (url.startsWith('/slow')) return;
      if (url === '/shop/long') return void answer.writeHead(200).end('x'.repeat(LIMIT + 1));
      const cookies = ['a=1', 'b=2'];
      const hop = { connection: 'x-secret', 'x-secret': 's', 'keep-alive': 'timeout=9', 'proxy-authenticate': 'p' };
      answer.writeHead(201, { ...hop, 'set-cookie': cookies, 'content-type': 'text/x' }).end('ok');
    });
    const sockets = new WebSocketServer({ server: shop, handleProtocols: (set) => [...set].at(-1) ?? false });
    sockets.on('connection', (socket, { headers }) => {
      socket.send(`hello ${headers['x-authenticated-user'] ?? 'nobody'} ${headers.forwarded}`);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    // Speaks bytes, for answers that no HTTP library would send.
    const raw = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(rawAnswer)));
    // Takes a request and dies.
    const half = createTcpServer((socket) =>
      socket
        .on('error', () => {})
        .once('data', () => {
          failing += 1;
          socket.destroy();
        }),
    );
    const shopPort = await listen(shop);
    const rawPort = await listen(raw);
    const halfPort = await listen(half);
    const dead = await listen(createTcpServer());
    await closers.pop()?.();
    const url = (at: number) => `http://127.0.0.1:${at}`;
    const pools = new Map(
      Object.entries({
        shop: { nodes: [url(dead), url(shopPort)] },
        raw: { nodes: [url(rawPort)] },
        half: { nodes: [url(halfPort), url(halfPort).replace('127.0.0.1', 'localhost')] },
        none: {},
      }).map(([name, config]) => [name, new ServiceNodes({ name, config, onError: () => {} })]),
    );
    closers.push(async () => {
      for (const pool of pools.values()) await pool[Symbol.asyncDispose]();
    });
    const tls = await (await testPki()).identity({ role: 'front', id: 'main' });
    const users = {
      userOf: async (header: string | undefined) => {
        if (header === 'Bearer alice') return { role: 'user', id: 'alice' } as const;
        throw new RequestError('token-missing', 'no token', [], 401);
      },
    };
    common = { tls, users, routes: ROUTES, pools, logger: pino({ level: 'silent' }), metrics: new Registry() };
    const proxy = await createReverseProxy({
      ...common,
      metrics: new Registry(),
      rate: { perCaller: 500, perAddress: 5_000, windowSeconds: 3_600 },
    });
    await proxy.listen({ host: '127.0.0.1', port: 0 });
    port = (proxy.server.address() as AddressInfo).port;
    closers.push(() => proxy.close());
  });
  beforeEach(() => {
    seen.length = 0;
  });
  after(async () => {
    await agent.destroy();
    for (const close of closers.toReversed()) await close();
  });

  const call = (path: string, options: Partial<Dispatcher.RequestOptions> = {}) =>
    request(`https://127.0.0.1:${port}${path}`, { dispatcher: agent, ...options } as never);
  const problem = async ({ statusCode, body }: Dispatcher.ResponseData) => {
    const text = await body.text();
    return `${statusCode} ${(JSON.parse(text) as { type: string }).type.replace('urn:opentsm:problem:', '')}`;
  };

  it('passes a request and its answer on, with what belongs to a connection left out', async () => {
    const headers = {
      connection: 'close, x-private',
      'x-private': '1',
      'proxy-authorization': 'p',
      te: 'trailers',
      'x-own': 'mine',
      forwarded: 'for=1.2.3.4',
      'x-forwarded-for': '1.2.3.4',
      'x-authenticated-user': 'root',
      via: '1.0 x',
      traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
      tracestate: 'a=b',
      'x-request-id': 'request-0001',
    };
    const options = { host: '127.0.0.1', port, path: '/shop/a%20b?q=1', method: 'POST', rejectUnauthorized: false };
    const [answer] = (await once(httpsRequest({ ...options, headers }).end('sent'), 'response')) as [IncomingMessage];
    const body = (await answer.toArray()).join('');
    expect([answer.statusCode, body]).to.deep.equal([201, 'ok']);
    expect(answer.headers).to.include({ 'content-type': 'text/x', 'x-request-id': 'request-0001' });
    expect(answer.headers['set-cookie']).to.deep.equal(['a=1', 'b=2']);
    expect(answer.headers).to.not.have.any.keys('x-secret', 'proxy-authenticate');
    const [got] = seen;
    expect(got).to.include({ method: 'POST', url: '/shop/a%20b?q=1', body: 'sent' });
    expect(got?.headers).to.include({ 'x-own': 'mine', tracestate: 'a=b', 'x-request-id': 'request-0001' });
    expect(got?.headers.traceparent).to.match(/^00-1{32}-(?!2{16})[0-9a-f]{16}-01$/);
    expect(got?.headers.forwarded).to.equal('for=127.0.0.1;host="127.0.0.1";proto=https');
    expect(got?.headers).to.not.have.any.keys('x-private', 'proxy-authorization', 'te', 'x-forwarded-for');
    expect(got?.headers['x-authenticated-user']).to.equal(undefined);
  });

  it('streams both ways: what was sent comes back before the request has ended', async () => {
    let first: () => void = () => {};
    const echoed = new Promise<void>((resolve) => {
      first = resolve;
    });
    const body = (async function* () {
      yield Buffer.from('one');
      // Ends only when the first part has been through both nodes.
      await echoed;
      yield Buffer.from('two');
    })();
    const answer = await call('/shop/echo', { method: 'PUT', body: body as never });
    let text = '';
    for await (const part of answer.body) {
      text += part;
      first();
    }
    expect(text).to.equal('onetwo');
  });

  it('asks who the user is where the route says so, and tells the service', async () => {
    expect(await problem(await call('/mine/x'))).to.equal('401 token-missing');
    const headers = { authorization: 'Bearer alice', 'x-authenticated-user': 'root' };
    expect((await call('/mine/x', { headers })).statusCode).to.equal(201);
    expect(seen.map((each) => each.headers['x-authenticated-user'])).to.deep.equal(['alice']);
  });

  it('refuses what is too long, too late, or leads nowhere', async () => {
    const long = 'x'.repeat(LIMIT + 1);
    expect(await problem(await call('/shop', { method: 'POST', body: long }))).to.equal('413 body-too-large');
    const chunks = (async function* () {
      for (let sent = 0; sent <= LIMIT; sent += 10_000) yield Buffer.alloc(10_000);
    })();
    expect(await problem(await call('/shop', { method: 'POST', body: chunks as never }))).to.equal(
      '413 body-too-large',
    );
    expect(await problem(await call('/slow'))).to.equal('503 upstream-timeout');
    expect(await problem(await call('/other'))).to.equal('404 no-such-route');
    expect(await problem(await call('/shopping'))).to.equal('404 no-such-route');
    expect(await problem(await call('/none'))).to.equal('503 no-node');
    // Its beginning is out already: the connection breaks.
    const answer = await call('/shop/long');
    const cut = await answer.body.text().then(
      () => 'whole',
      () => 'cut',
    );
    expect(cut).to.equal('cut');
  });

  it('asks another node when nothing was sent, or a request may run twice, and else hands the failure on', async () => {
    for (let index = 0; index < 8; index += 1) {
      expect((await call('/shop/p', { method: 'POST', body: 'x' })).statusCode).to.equal(201);
    }
    expect(seen).to.have.length(8);
    expect(await problem(await call('/half'))).to.equal('503 upstream-failed');
    expect(failing).to.equal(2);
    expect(await problem(await call('/half', { method: 'POST', body: 'x' }))).to.equal('503 upstream-failed');
    expect(failing).to.equal(3);
  });

  it('is not split or misled by an answer', async () => {
    const answers = {
      'two lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\nokHTTP',
      'length and chunks':
        'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      'a bare CR in a value': 'HTTP/1.1 200 OK\r\nx-a: b\rset-cookie: evil=1\r\ncontent-length: 0\r\n\r\n',
      'a header without end': `HTTP/1.1 200 OK\r\nx-a: ${'b'.repeat(20_000)}\r\n\r\n`,
      'no HTTP': 'SSH-2.0-x\r\n',
    };
    for (const [name, text] of Object.entries(answers)) {
      rawAnswer = text;
      const answer = await call('/raw');
      expect(await problem(answer), name).to.equal('503 upstream-failed');
      expect(answer.headers['set-cookie'], name).to.equal(undefined);
    }
    // A second answer behind the first is nobody's.
    rawAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil';
    expect(await (await call('/raw')).body.text()).to.equal('ok');
    rawAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes';
    expect(await (await call('/raw')).body.text()).to.equal('yes');
  });

  /** Bytes as they are, and the status lines that come back. */
  async function raw(text: string): Promise<string[]> {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    let got = '';
    socket.on('data', (part: Buffer) => {
      got += part.toString('latin1');
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.write(text);
    await once(socket, 'close');
    return got.match(/HTTP\/1\.1 \d+/g) ?? [];
  }

  it('lets no request hide in another', async () => {
    const host = 'host: 127.0.0.1\r\nconnection: close\r\n';
    const hidden = 'GET /shop/hidden HTTP/1.1\r\nhost: a\r\n\r\n';
    const length = Buffer.byteLength(hidden);
    const attacks = {
      'length and chunks':
        `POST /shop HTTP/1.1\r\n${host}content-length: ${length}\r\n` +
        `transfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      'two lengths': `POST /shop HTTP/1.1\r\n${host}content-length: 0\r\ncontent-length: ${length}\r\n\r\n${hidden}`,
      'a length with a sign': `POST /shop HTTP/1.1\r\n${host}content-length: +${length}\r\n\r\n${hidden}`,
      'chunked twice': `POST /shop HTTP/1.1\r\n${host}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${hidden}`,
      'a blank before the colon': `POST /shop HTTP/1.1\r\n${host}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
      'an unknown coding': `POST /shop HTTP/1.1\r\n${host}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
      'a folded header': `POST /shop HTTP/1.1\r\n${host}x-a: b\r\n transfer-encoding: chunked\r\n\r\n`,
      'line feeds alone': `POST /shop HTTP/1.1\n${host}transfer-encoding: chunked\n\n0\n\n${hidden}`,
      'a body of GET': `GET /shop HTTP/1.1\r\n${host}content-length: ${length}\r\n\r\n${hidden}`,
      'two hosts': `GET /shop HTTP/1.1\r\n${host}host: other\r\n\r\n`,
      'no host': 'GET /shop HTTP/1.1\r\nconnection: close\r\n\r\n',
      'another server’s address': `GET http://evil.example/shop HTTP/1.1\r\n${host}\r\n`,
      CONNECT: `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`,
      TRACE: `TRACE /shop HTTP/1.1\r\n${host}\r\n`,
      'a way up': `GET /shop/../mine HTTP/1.1\r\n${host}\r\n`,
      'an encoded way up': `GET /shop/%2e%2E/mine HTTP/1.1\r\n${host}\r\n`,
      'an encoded slash': `GET /shop%2f..%2fmine HTTP/1.1\r\n${host}\r\n`,
      'a NUL': `GET /shop/%00 HTTP/1.1\r\n${host}\r\n`,
    };
    for (const [name, text] of Object.entries(attacks)) {
      seen.length = 0;
      const statuses = await raw(text);
      for (const status of statuses) expect(status, name).to.match(/ 4\d\d$/);
      expect(statuses.length, name).to.be.lessThan(2);
      expect(seen, name).to.deep.equal([]);
    }
  });

  it('limits how often a caller and an address may ask, and says how long to wait', async () => {
    const limited = await createReverseProxy({
      ...common,
      rate: { perCaller: 3, perAddress: 8, windowSeconds: 3_600 },
    });
    try {
      await limited.listen({ host: '127.0.0.1', port: 0 });
      const at = `https://127.0.0.1:${(limited.server.address() as AddressInfo).port}/shop`;
      const ask = async (authorization: string) => {
        const { statusCode, headers, body } = await request(at, { dispatcher: agent, headers: { authorization } });
        await body.dump();
        if (statusCode === 429) expect(Number(headers['retry-after'])).to.be.within(1, 3_600);
        return statusCode;
      };
      const statuses: number[] = [];
      for (const caller of ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'c']) statuses.push(await ask(`Bearer ${caller}`));
      // Refused ones count for the address: the eighth is the last that it has.
      expect(statuses).to.deep.equal([201, 201, 201, 429, 201, 201, 201, 429, 429]);
    } finally {
      await limited.close();
    }
  });

  it('counts requests whose tokens are none before it looks at them', async () => {
    const rate = { perCaller: 100, perAddress: 2, windowSeconds: 3_600 };
    const limited = await createReverseProxy({ ...common, metrics: new Registry(), rate });
    try {
      await limited.listen({ host: '127.0.0.1', port: 0 });
      const at = `https://127.0.0.1:${(limited.server.address() as AddressInfo).port}/mine`;
      const statuses: number[] = [];
      for (const authorization of ['Bearer a', 'Bearer b', 'Bearer c', 'Bearer alice']) {
        const { statusCode, body } = await request(at, { dispatcher: agent, headers: { authorization } });
        await body.dump();
        statuses.push(statusCode);
      }
      expect(statuses).to.deep.equal([401, 401, 429, 429]);
    } finally {
      await limited.close();
    }
  });

  it('carries WebSocket messages both ways, with the protocol and the close of the service', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/shop/ws`, ['a', 'b'], {
      rejectUnauthorized: false,
      headers: { 'x-authenticated-user': 'root' },
    });
    const messages: string[] = [];
    let more: () => void = () => {};
    socket.on('message', (data, binary) => {
      messages.push(`${binary}:${String(data)}`);
      more();
    });
    const count = (wanted: number) =>
      new Promise<void>((resolve) => {
        more = () => messages.length >= wanted && resolve();
        more();
      });
    await once(socket, 'open');
    expect(socket.protocol).to.equal('b');
    await count(1);
    socket.send('text');
    socket.send(Buffer.from('bytes'));
    await count(3);
    expect(messages).to.deep.equal([
      'false:hello nobody for=127.0.0.1;host="127.0.0.1";proto=https',
      'false:text',
      'true:bytes',
    ]);
    socket.close(4_000, 'done');
    expect((await once(socket, 'close'))[0]).to.equal(4_000);
    for (const path of ['/mine', '/raw', '/none', '/shop/../mine']) {
      const refused = new WebSocket(`wss://127.0.0.1:${port}${path}`, { rejectUnauthorized: false });
      const [error] = await once(refused, 'error').catch((thrown: unknown) => [thrown]);
      expect(String(error), path).to.match(/Unexpected server response: (4|5)\d\d/);
    }
  });

  it('knows the nodes of a name as DNS has them, keeps them while DNS is away, and shows them', async () => {
    let addresses: readonly string[] | Error = ['127.0.0.1', '127.0.0.2'];
    let looks = 0;
    const nodes = new ServiceNodes({
      name: 'named',
      config: { dns: 'http://service.example:81' },
      onError: () => {},
      lookEveryMs: 5,
      resolve: async () => {
        looks += 1;
        if (addresses instanceof Error) throw addresses;
        return addresses;
      },
    });
    const shown = () => nodes.nodes.map(({ address }) => address);
    const afterLooks = async () => {
      const wanted = looks + 2;
      while (looks < wanted) await new Promise((resolve) => setImmediate(resolve));
    };
    try {
      await nodes.ready();
      expect(shown()).to.deep.equal(['http://127.0.0.1:81', 'http://127.0.0.2:81']);
      addresses = new Error('away');
      await afterLooks();
      expect(shown()).to.have.length(2);
      addresses = ['127.0.0.2', '::1'];
      await afterLooks();
      expect(shown()).to.deep.equal(['http://127.0.0.2:81', 'http://[::1]:81']);
    } finally {
      await nodes[Symbol.asyncDispose]();
    }
  });

  it('takes the longest prefix of whole segments, and a named host first', () => {
    const routes: StaticRoute[] = [
      { prefix: '/', pool: 'all', access: 'anybody' },
      { prefix: '/a', pool: 'a', access: 'anybody' },
      { prefix: '/a/b', pool: 'ab', access: 'anybody' },
      { host: 'h.example', prefix: '/a', pool: 'h', access: 'anybody' },
    ];
    const pool = (host: string, path: string) => routeOf(routes, host, path)?.pool;
    expect([pool('x', '/'), pool('x', '/ab'), pool('x', '/a'), pool('x', '/a/b/c')]).to.deep.equal([
      'all',
      'all',
      'a',
      'ab',
    ]);
    expect([pool('h.example', '/a/b'), pool('h.example', '/c')]).to.deep.equal(['h', 'all']);
    for (const path of ['/a/./b', '/a//b', '/a\\b', '/%', '/a/%2E', 'a', '/a#b'])
      expect(isPlainPath(path), path).to.equal(false);
    for (const path of ['/', '/a/b', '/a/..b', '/%20', '/a.b/']) expect(isPlainPath(path), path).to.equal(true);
  });
});
