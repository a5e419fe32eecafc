// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import pino from 'pino';
import { Registry } from 'prom-client';
import { RequestError } from '../../rest/problem.ts';
import { createReverseProxy } from '../../rest/reverse-proxy/server.ts';
import { ServiceNodes } from '../../rest/reverse-proxy/service-nodes.ts';
import { testPki } from '../rest/fixture.ts';

const CHUNK = Buffer.alloc(65_536, 'x');
const FLOOD = 64 * 1_048_576;
/** What lies in the buffers of two sockets of the system and two of Node, at the most. */
const IN_BUFFERS = 24 * 1_048_576;
/** Connections of the front to one node. */
const CONNECTIONS = 64;

/** What a service or a caller does in the middle of an answer. */
describe('the reverse proxy of the front: answers that break', function () {
  this.timeout(60_000);
  const held: ServerResponse[] = [];
  let onHeld: () => void = () => {};
  let flooded = 0;
  const serviceEnds: Promise<unknown>[] = [];
  const service = createServer((incoming, answer) => {
    serviceEnds.push(once(answer, 'close'));
    if (incoming.url === '/half') {
      answer.writeHead(200, { 'content-length': '1000' });
      answer.write('only this', () => answer.destroy());
    } else if (incoming.url === '/flood') {
      const more = () => {
        while (flooded < FLOOD) {
          flooded += CHUNK.length;
          if (!answer.write(CHUNK)) return void answer.once('drain', more);
        }
        answer.end();
      };
      more();
    } else if (incoming.url === '/begun') {
      answer.writeHead(200).write('begun');
    } else {
      held.push(answer);
      onHeld();
    }
  });
  let nodes: ServiceNodes;
  let port = 0;
  let close: () => Promise<void>;

  before(async () => {
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    const origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    nodes = new ServiceNodes({ name: 'service', config: { nodes: [origin] }, onError: () => {} });
    const proxy = await createReverseProxy({
      tls: await (await testPki()).identity({ role: 'front', id: 'main' }),
      users: {
        userOf: async () => {
          throw new RequestError('token-missing', 'no token', [], 401);
        },
      },
      routes: [
        { prefix: '/late', pool: 'service', access: 'anybody', timeoutMs: 300 },
        { prefix: '/', pool: 'service', access: 'anybody', maxResponseBytes: 2 * FLOOD, timeoutMs: 30_000 },
      ],
      pools: new Map([['service', nodes]]),
      logger: pino({ level: 'silent' }),
      metrics: new Registry(),
    });
    await proxy.listen({ host: '127.0.0.1', port: 0 });
    port = (proxy.server.address() as AddressInfo).port;
    close = async () => {
      for (const answer of held) answer.destroy();
      await proxy.close();
      await nodes[Symbol.asyncDispose]();
      service.close();
    };
  });
  after(() => close());

  const node = () => nodes.nodes[0];
  const get = (path: string) =>
    httpsRequest({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false }).end();
  const waitingFor = (count: number) =>
    new Promise<void>((resolve) => {
      onHeld = () => held.length >= count && resolve();
      onHeld();
    });
  /** Until the front has taken back what it counts for a call. */
  const idle = async () => {
    while (node()?.outstanding !== 0) await turn();
  };

  it('breaks the connection where the service broke off, and counts it against the node', async () => {
    const [answer] = await once(get('/half'), 'response');
    const failure = await answer.toArray().catch((error: NodeJS.ErrnoException) => error.code);
    expect(failure).to.equal('ECONNRESET');
    await idle();
    for (let more = 0; more < 2; more += 1) {
      const [again] = await once(get('/half'), 'response');
      await again.toArray().catch(() => {});
    }
    await idle();
    expect(node()?.state).to.equal('suspect');
  });

  it('ends the request behind when the caller goes, and blames nobody', async () => {
    const before = node()?.failures;
    const ends = serviceEnds.length;
    const asked = get('/begun');
    const [answer] = await once(asked, 'response');
    await once(answer, 'data');
    answer.on('error', () => {});
    asked.destroy();
    await serviceEnds[ends];
    await idle();
    expect(node()?.failures).to.equal(before);
  });

  it('takes an answer no faster than the caller does, and then the whole', async () => {
    const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(`GET /flood HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`);
    // As long as there is progress, buffers are not full yet.
    for (let last = -1, still = 0; still < 200; ) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      still = flooded === last && flooded > 0 ? still + 1 : 0;
      last = flooded;
    }
    expect(flooded).to.be.below(IN_BUFFERS);
    let received = 0;
    for await (const part of socket) received += part.length;
    expect(received).to.be.above(FLOOD);
    await idle();
  });

  it('answers in time where no connection to the node becomes free, and the service never hears of it', async () => {
    const callers = Array.from({ length: CONNECTIONS }, () => get('/held').on('error', () => {}));
    await waitingFor(CONNECTIONS);
    const [answer] = await once(get('/late'), 'response');
    const problem = JSON.parse((await answer.toArray()).join(''));
    expect([answer.statusCode, problem.type]).to.deep.equal([503, 'urn:opentsm:problem:upstream-timeout']);
    for (const each of held.splice(0)) each.end('done');
    await Promise.all(callers.map((caller) => once(caller, 'response').then(([got]) => got.resume())));
    await idle();
    expect(held).to.have.length(0);
  });
});
