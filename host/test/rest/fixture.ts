// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { type DevelopmentPki, openDevelopmentPki } from '../../local/development-pki.ts';
import type { RestApp } from '../../rest/app.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { createRestServer, type RestServerOptions } from '../../rest/server.ts';

/** One authority for all suites of this process: making keys is the slow part. */
let shared: Promise<{ folder: string; pki: DevelopmentPki }> | undefined;

export async function testPki(): Promise<DevelopmentPki> {
  shared ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-pki-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    return { folder, pki: await openDevelopmentPki(folder) };
  })();
  return (await shared).pki;
}

/** A server with the given routes on a free port, and clients for it. */
export class TestServer implements AsyncDisposable {
  readonly app: RestApp;
  readonly self: Peer;
  readonly #clients: RestClient[] = [];

  constructor(app: RestApp, self: Peer) {
    this.app = app;
    this.self = self;
  }

  static async start(
    self: Peer,
    routes: RestServerOptions['routes'],
    more: Partial<RestServerOptions> = {},
  ): Promise<TestServer> {
    const pki = await testPki();
    const app = await createRestServer({
      self,
      version: '0.0.0',
      tls: await pki.identity(self),
      logger: pino({ level: 'silent' }),
      routes,
      ...more,
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return new TestServer(app, self);
  }

  get port(): number {
    return (this.app.server.address() as AddressInfo).port;
  }

  async client(peer: Peer, more: { expectedPeer?: Peer; maxResponseBytes?: number } = {}): Promise<RestClient> {
    const pki = await testPki();
    const client = new RestClient({
      baseUrl: `https://127.0.0.1:${this.port}`,
      tls: await pki.identity(peer),
      expectedPeer: this.self,
      timeoutMs: 10_000,
      ...more,
    });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.app.server.closeAllConnections();
    await this.app.close();
  }
}
