// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { TestServer, testPki } from './fixture.ts';

const PROVIDER = { role: 'provider', id: 'a' } as const;
const OPERATOR = { role: 'operator', id: 'o', platform: PROVIDER } as const;

describe('handshake guard', function () {
  this.timeout(60_000);

  it('lets others in while one address holds bare connections, and counts what it refused', async () => {
    const metrics = new Registry();
    await using server = await TestServer.start(PROVIDER, () => {}, { metrics });
    const bare: Socket[] = [];
    let ended = 0;
    try {
      for (let i = 0; i < 400; i += 1) {
        const socket = connect({ host: '127.0.0.1', port: server.port });
        socket.on('error', () => undefined);
        socket.once('close', () => {
          ended += 1;
        });
        bare.push(socket);
      }
      await Promise.all(bare.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
      for (let waited = 0; ended < 272 && waited < 30_000; waited += 20) await delay(20);
      expect(ended).to.equal(400 - 128);
      expect(await statusFrom('127.0.0.2', server.port)).to.equal(200);
      expect(await metrics.getSingleMetricAsString('tls_failures_total')).to.match(/too-many-handshakes"\} 272/);
    } finally {
      for (const socket of bare) socket.destroy();
    }
    // The places are free again.
    for (let tries = 0; ; tries += 1) {
      const status = await statusFrom('127.0.0.1', server.port).catch(() => 0);
      if (status === 200) break;
      expect(tries).to.be.lessThan(1_000);
      await delay(20);
    }
  });

  it('lets a caller in whose own address floods, and goes on counting', async () => {
    const metrics = new Registry();
    await using server = await TestServer.start(PROVIDER, () => {}, { metrics });
    const flood = new Flood(server.port);
    try {
      for (let i = 0; i < 200; i += 1) await flood.more();
      let answered = false;
      const call = statusFrom('127.0.0.1', server.port).finally(() => {
        answered = true;
      });
      for (let i = 0; i < 5_000 && !answered; i += 1) await flood.more();
      expect(await call).to.equal(200);
      await flood.settles(128);
      const counted = await metrics.getSingleMetricAsString('tls_failures_total');
      expect(Number(/too-many-handshakes"\} (\d+)/.exec(counted)?.[1])).to.equal(flood.opened - 128);
    } finally {
      flood.end();
    }
  });

  it('does not count connections that have shown a certificate', async () => {
    await using server = await TestServer.start(PROVIDER, () => {});
    const { key, certificate: cert, authority: ca } = await (await testPki()).identity(OPERATOR);
    const held: TLSSocket[] = [];
    try {
      for (let i = 0; i < 150; i += 1) {
        const socket = connectTls({ host: '127.0.0.1', port: server.port, key, cert, ca, servername: 'localhost' });
        held.push(socket);
        await once(socket, 'session');
      }
      expect(await statusFrom('127.0.0.1', server.port)).to.equal(200);
      expect(held.every(({ destroyed }) => !destroyed)).to.equal(true);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });

  it('counts handshakes that fail by their reason', async () => {
    const metrics = new Registry();
    await using server = await TestServer.start(PROVIDER, () => {}, { metrics });
    const socket = connect({ host: '127.0.0.1', port: server.port });
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(await metrics.getSingleMetricAsString('tls_failures_total')).to.match(
      /tls_failures_total\{reason="\w+"\} 1/,
    );
  });
});

/** Bare connections from 127.0.0.1, one after the other. */
class Flood {
  readonly #port: number;
  readonly #open = new Set<Socket>();
  opened = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async more(): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#port });
    this.#open.add(socket);
    this.opened += 1;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#open.delete(socket));
    await once(socket, 'connect');
  }

  /** Adds connections until the server has ended all but so many. */
  async settles(left: number): Promise<void> {
    for (let i = 0; i < 10; i += 1) await this.more();
    for (let waited = 0; this.#open.size > left && waited < 30_000; waited += 20) await delay(20);
    expect(this.#open.size).to.equal(left);
  }

  end(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Status of `/health/live` for an operator who calls from this address of the machine. */
async function statusFrom(localAddress: string, port: number): Promise<number | undefined> {
  const { key, certificate: cert, authority: ca } = await (await testPki()).identity(OPERATOR);
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, localAddress, key, cert, ca, path: '/health/live', agent: false };
    const call = request({ ...options, servername: 'localhost' }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    });
    call.once('error', reject);
    call.end();
  });
}
