// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type RunningDaemon, startDaemon } from '../../daemon/daemon.ts';
import { NodePool } from '../../rest/node-pool.ts';
import type { NodeState } from '../../wire/message/front.ts';
import { testPki } from '../rest/fixture.ts';
import { Done, newWorker, WORKER, type Worker, workerConfig, workerDaemon } from './worker-node.ts';

const PROCESS = join(import.meta.dirname, 'worker-process.ts');
const CALLER = { role: 'front', id: 'main' } as const;

describe('a pool of nodes', function () {
  this.timeout(120_000);
  let folder = '';
  let worker: Worker;
  let other: Worker;
  let daemon: RunningDaemon;
  let otherDaemon: RunningDaemon;
  let pool: NodePool;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-nodes-'));
  });
  beforeEach(async () => {
    worker = newWorker('one');
    other = newWorker('other');
    daemon = await startDaemon(workerDaemon(worker), await workerConfig(folder, 'one'));
    otherDaemon = await startDaemon(workerDaemon(other), await workerConfig(folder, 'other'));
  });
  afterEach(async () => {
    await pool?.close();
    await daemon.stop();
    await otherDaemon.stop();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const open = async (...ports: readonly number[]): Promise<void> => {
    const tls = await (await testPki()).identity(CALLER);
    pool = new NodePool({
      tls,
      expectedPeer: WORKER,
      probeEveryMs: 25,
      slowStartMs: 50,
      ejectMs: 600_000,
      baseUrl: ports.map((port) => `https://127.0.0.1:${port}`).join(' '),
    });
  };
  const states = (): NodeState[] => pool.nodes.map(({ state }) => state);
  const become = async (...expected: readonly NodeState[]): Promise<void> => {
    const deadline = performance.now() + 60_000;
    while (states().join() !== expected.join()) {
      expect(performance.now(), `${states()} is not ${expected}`).to.be.lessThan(deadline);
      await delay(5);
    }
  };
  const single = { method: 'POST', path: '/v1/work', response: Done } as const;
  const keyed = { ...single, idempotencyKey: 'key-00000001' } as const;
  const latch = (): { readonly promise: Promise<void>; open(): void } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { promise, open: resolve };
  };

  it('gives each call to the node with the least to do', async () => {
    await open(daemon.port, otherDaemon.port);
    await become('up', 'up');
    const held = latch();
    worker.held = held.promise;
    other.held = held.promise;
    const calls = Array.from({ length: 6 }, () => pool.call(single));
    expect(pool.nodes.map(({ outstanding }) => outstanding)).to.deep.equal([3, 3]);
    held.open();
    await Promise.all(calls);
    expect([worker.calls, other.calls]).to.deep.equal([3, 3]);
    expect(pool.nodes.map(({ outstanding }) => outstanding)).to.deep.equal([0, 0]);
  });

  it('asks a node that drains no more, and waits for what that still has', async () => {
    await open(daemon.port, otherDaemon.port);
    await become('up', 'up');
    const held = latch();
    other.held = held.promise;
    worker.held = held.promise;
    const under = [pool.call(single), pool.call(single)];
    const drained = latch();
    other.drained = drained.promise;
    const stopped = otherDaemon.stop();
    await become('up', 'draining');
    worker.held = Promise.resolve();
    for (let count = 0; count < 5; count += 1) expect(await pool.call(single)).to.deep.equal({ by: 'one' });
    held.open();
    expect((await Promise.all(under)).map(({ by }) => by).sort()).to.deep.equal(['one', 'other']);
    drained.open();
    await stopped;
    await become('up', 'down');
    expect(await pool.call(single)).to.deep.equal({ by: 'one' });
  });

  it('asks a node no more that answers 503 to the question whether it is ready', async () => {
    await open(daemon.port, otherDaemon.port);
    await become('up', 'up');
    other.ready = false;
    await become('up', 'down');
    for (let count = 0; count < 5; count += 1) expect(await pool.call(single)).to.deep.equal({ by: 'one' });
    expect(other.calls).to.equal(0);
    other.ready = true;
    await become('up', 'up');
  });

  it('puts a node out that fails while it says that it is well', async () => {
    await open(daemon.port, otherDaemon.port);
    await become('up', 'up');
    other.fails = true;
    while (pool.nodes[1]?.ejections === 0) expect(await pool.call(keyed)).to.deep.equal({ by: 'one' });
    for (let count = 0; count < 5; count += 1) expect(await pool.call(single)).to.deep.equal({ by: 'one' });
    expect(states()).to.deep.equal(['up', 'suspect']);
    expect(pool.nodes[1]).to.include({ calls: 3, failures: 3 });
    expect(other.calls).to.equal(3);
  });

  it('hands a failure on when the call may not run twice', async () => {
    await open(daemon.port, otherDaemon.port);
    await become('up', 'up');
    other.fails = true;
    let made = 0;
    let refused: unknown;
    while (refused === undefined) {
      made += 1;
      refused = await pool.call(single).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(refused).to.have.property('code', 'no-database');
    expect(worker.calls + other.calls).to.equal(made);
  });

  it('asks those that are away when no other is left', async () => {
    await open(daemon.port);
    worker.ready = false;
    await become('down');
    expect(await pool.call(single)).to.deep.equal({ by: 'one' });
  });

  describe('one of which is killed with -9', () => {
    let child: ChildProcess;
    let port = 0;
    let called: Promise<void>;
    beforeEach(async () => {
      child = spawn(process.execPath, [PROCESS, await workerConfig(folder, 'process')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const arrived = latch();
      called = arrived.promise;
      const ready = Promise.withResolvers<number>();
      child.once('exit', () => ready.reject(new Error('the node ended before it listened')));
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (line === 'called') arrived.open();
        else ready.resolve(JSON.parse(line).port);
      });
      port = await ready.promise;
      await open(daemon.port, port);
      await become('up', 'up');
    });
    afterEach(() => {
      child.kill('SIGKILL');
    });

    const kill = async (): Promise<void> => {
      await called;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    };

    it('repeats at another one what may run twice', async () => {
      const held = latch();
      worker.held = held.promise;
      const calls = [pool.call(keyed), pool.call(keyed)];
      await kill();
      held.open();
      expect(await Promise.all(calls)).to.deep.equal([{ by: 'one' }, { by: 'one' }]);
      await become('up', 'down');
      expect(await pool.call(single)).to.deep.equal({ by: 'one' });
    });

    it('repeats nothing that may not', async () => {
      const held = latch();
      worker.held = held.promise;
      const calls = [pool.call(single), pool.call(single)].map((call) =>
        call.then(
          ({ by }) => by,
          (error: { readonly code: string }) => error.code,
        ),
      );
      await kill();
      held.open();
      expect((await Promise.all(calls)).sort()).to.deep.equal(['connection-lost', 'one']);
      expect(worker.calls).to.equal(1);
    });
  });
});
