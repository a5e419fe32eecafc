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
