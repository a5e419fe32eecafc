// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Type } from 'typebox';
import { TransportError, TsmError } from '../../errors.ts';
import type { RestApp } from '../../rest/app.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { TestServer, testPki } from './fixture.ts';

const KMS: Peer = { role: 'kms', id: 'nodes' };
const CALLER: Peer = { role: 'provider', id: 'a' };
const Answer = Type.Object({ node: Type.String() }, { additionalProperties: false });
const ALIVE_MS = 100;

/** A node that says its name at once, late, or refuses because it stops. */
function node(name: string, calls: string[], onLate: () => void) {
  return (app: RestApp) => {
    const options = { config: { access: ['provider'] as const }, schema: { response: { 200: Answer } } };
    app.get('/v1/name', options, async () => {
      calls.push(name);
      if (name === 'stopping') throw new TransportError('draining', 'this node stops: try again');
      return { node: name };
    });
    app.get('/v1/late', options, async () => {
      onLate();
      await delay(10 * ALIVE_MS);
      return { node: name };
    });
  };
}

interface Wire extends Disposable {
  readonly port: number;
  silence(): void;
}

/** Passes bytes on until it is told to swallow them: a machine that lost its power answers no TCP packet. */
async function wire(port: number): Promise<Wire> {
  let silent = false;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const beyond = connect(port, '127.0.0.1');
    sockets.push(socket, beyond);
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (bytes) => silent || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    };
    pass(socket, beyond);
    pass(beyond, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    silence: () => {
      silent = true;
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a client of several nodes', () => {
  const calls: string[] = [];
  let one: TestServer;
  let two: TestServer;
  let stopping: TestServer;
  let onLate = () => {};
  before(async () => {
    one = await TestServer.start(
      KMS,
      node('one', calls, () => onLate()),
    );
    two = await TestServer.start(
      KMS,
      node('two', calls, () => onLate()),
    );
    stopping = await TestServer.start(
      KMS,
      node('stopping', calls, () => onLate()),
    );
  });
  after(async () => {
    for (const server of [one, two, stopping]) await server[Symbol.asyncDispose]();
  });
  afterEach(() => {
    calls.length = 0;
  });

  const clientOf = async (...ports: readonly number[]) =>
    new RestClient({
      tls: await (await testPki()).identity(CALLER),
      expectedPeer: KMS,
      aliveEveryMs: ALIVE_MS,
      baseUrl: ports.map((port) => `https://127.0.0.1:${port}`).join(' '),
    });
  const ask = (client: RestClient, path = '/v1/name') =>
    client.call({ method: 'GET', path, response: Answer }).then(({ node: name }) => name);

  it('keeps to one node', async () => {
    await using client = await clientOf(one.port, two.port);
    const names = [await ask(client), await ask(client), await ask(client)];
    expect(new Set(names).size).to.equal(1);
  });

  it('goes on to the next when one cannot be reached or stops, and stays there', async () => {
    // Nobody listens on port 1.
    await using client = await clientOf(1, stopping.port, one.port);
    for (let call = 0; call < 3; call += 1) expect(await ask(client)).to.equal('one');
    expect(calls.filter((name) => name === 'stopping').length).to.be.at.most(1);
  });

  it('says that none can be reached, and which it was', async () => {
    await using client = await clientOf(1, 2);
    const error = await ask(client).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(TsmError);
    expect(error).to.have.property('code', 'peer-unreachable');
  });

  it('waits for an answer that takes long as long as the node lives', async () => {
    await using client = await clientOf(one.port);
    expect(await ask(client, '/v1/late')).to.equal('one');
  });

  it('gives up a node that went silent with its connection open, and asks the next', async () => {
    using silent = await wire(one.port);
    await using client = await clientOf(silent.port);
    expect(await ask(client)).to.equal('one');
    const arrived = new Promise<void>((resolve) => {
      onLate = resolve;
    });
    const started = performance.now();
    const waiting = ask(client, '/v1/late').catch((reason: unknown) => reason);
    await arrived;
    silent.silence();
    expect(await waiting).to.have.property('code', 'connection-lost');
    // Long before the 30 seconds that the call may take.
    expect(performance.now() - started).to.be.lessThan(10_000);
  });
});
