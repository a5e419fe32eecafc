// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sql, type Transaction } from 'kysely';
import pg from 'pg';
import { together } from '../../store/pipelined-driver.ts';
import { addWorkflow, type WorkflowTables, workflowBell } from '../../store/workflows.ts';
import type { Engine } from '../../workflow/engine/durable.ts';
import type { Workflow } from '../../workflow/engine/execution.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { BadWay } from '../store/bad-way.ts';
import { openTestEngine } from './engine-fixture.ts';

const script = fileURLToPath(new URL('engine-node.ts', import.meta.url));

async function node(...arguments_: readonly string[]) {
  const child = spawn(process.execPath, [script, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => lines.push(part));
  child.stderr.resume();
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { lines: Buffer.concat(lines).toString().trim().split('\n'), signal };
}

/** A gate that is closed, and a workflow that waits at it. */
function gated(started: string[]) {
  const gate = { open: () => {}, opened: Promise.resolve(), close };
  function close(): void {
    gate.opened = new Promise((resolve) => {
      gate.open = resolve;
    });
  }
  close();
  const workflow: Workflow = {
    run: async (input, run) => {
      await run.step('wait', async () => {
        started.push(String(input));
        await gate.opened;
      });
      return async () => {};
    },
    broken: () => async () => {},
  };
  return { gate, workflow };
}

/** Resolves when each node has so many at work; a node that has looked in vain looks again only after a minute. */
async function atWork(nodes: readonly Opened[], count: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (nodes.some(({ engine }) => engine.atWork !== count)) {
    expect(performance.now(), `at work: ${nodes.map(({ engine }) => engine.atWork)}`).to.be.lessThan(deadline);
    await turn();
  }
}

type Opened = Awaited<ReturnType<typeof openTestEngine>>;

async function ended({ engine, bells }: Pick<Opened, 'engine' | 'bells'>, id: string) {
  for (;;) {
    const rung = bells.heard(workflowBell(id), 5_000);
    const row = await engine.find(id);
    if (row?.state === 'ended') return row;
    await rung;
  }
}

describe('the durable engine', () => {
  let database: TestDatabase;
  const opened: Opened[] = [];
  const open = async (...arguments_: Parameters<typeof openTestEngine>) => {
    const engine = await openTestEngine(...arguments_);
    opened.push(engine);
    return engine;
  };
  before(async () => {
    database = await TestDatabase.start();
  });
  afterEach(async () => {
    for (const { close } of opened.splice(0)) await close();
  });
  after(async () => {
    await database[Symbol.asyncDispose]();
  });

  it('goes on after kill -9 with the steps that were not recorded', async () => {
    const url = await database.server.createDatabase('engine_kill');
    const killed = await node(url, 'node-1', 'workflow-1', 'die');
    expect(killed).to.deep.equal({ lines: ['first', 'second'], signal: 'SIGKILL' });
    const resumed = await node(url, 'node-1', 'workflow-1');
    expect(resumed).to.deep.equal({ lines: ['second', 'done 42'], signal: null });
  });

  it('lets another node take over what a dead one left', async () => {
    const url = await database.server.createDatabase('engine_takeover');
    const killed = await node(url, 'node-1', 'workflow-1', 'die');
    expect(killed.signal).to.equal('SIGKILL');
    const other = await node(url, 'node-2', 'workflow-1');
    expect(other.lines).to.deep.equal(['second', 'done 42']);
  });

  it('runs a workflow once, however often it is started under its id', async () => {
    let runs = 0;
    const count: Workflow = {
      run: async (_input, run) => {
        await run.step('count', async () => {
          runs += 1;
          return runs;
        });
        return async () => {};
      },
      broken: () => async () => {},
    };
    const url = await database.server.createDatabase('engine_once');
    const node1 = await open(url, { nodeId: 'node-1', workflows: { count } });
    const start = (input: number) => node1.engine.start({ id: 'workflow-1', kind: 'count', fairKey: 'a', input });
    await Promise.all([1, 2, 3].map(start));
    const row = await ended(node1, 'workflow-1');
    await start(4);
    expect(row.results).to.deep.equal({ count: 1 });
    expect(runs).to.equal(1);
  });

  it('keeps no more at work than its window, and gives each key its turn', async () => {
    const started: string[] = [];
    const { gate, workflow } = gated(started);
    const url = await database.server.createDatabase('engine_window');
    const node1 = await open(url, { nodeId: 'node-1', window: 2, workflows: { gated: workflow } });
    const start = (id: string, fairKey: string) => node1.engine.start({ id, kind: 'gated', fairKey, input: fairKey });
    for (let n = 0; n < 6; n += 1) await start(`workflow-a${n}`, 'a');
    for (let n = 0; n < 2; n += 1) await start(`workflow-b${n}`, 'b');
    await Promise.all([...Array(50)].map(() => node1.engine.find('workflow-a0')));
    expect(started).to.have.length(2);
    gate.open();
    await ended(node1, 'workflow-a5');
    await ended(node1, 'workflow-b1');
    // The two that came last have not waited for all of the six that came first.
    expect(started.lastIndexOf('b')).to.be.lessThan(7);
    expect(started.toSorted()).to.deep.equal([...'aaaaaabb']);
  });

  it('gives each key its turn where only one is at work at a time', async () => {
    const started: string[] = [];
    const { gate, workflow } = gated(started);
    const url = await database.server.createDatabase('engine_one');
    const node1 = await open(url, { nodeId: 'node-1', window: 1, workflows: { gated: workflow } });
    const start = (id: string, fairKey: string) => node1.engine.start({ id, kind: 'gated', fairKey, input: fairKey });
    for (let n = 0; n < 4; n += 1) await start(`workflow-a${n}`, 'a');
    for (let n = 0; n < 2; n += 1) await start(`workflow-b${n}`, 'b');
    await start('workflow-c0', 'c');
    gate.open();
    for (const id of ['a3', 'b1', 'c0']) await ended(node1, `workflow-${id}`);
    expect(started.join('')).to.equal('abcabaa');
  });

  it('fills the windows of two nodes that look at the same moment', async () => {
    const { gate, workflow } = gated([]);
    const url = await database.server.createDatabase('engine_two_windows');
    const nodes = await Promise.all(
      ['node-1', 'node-2'].map((nodeId) => open(url, { nodeId, window: 8, workflows: { gated: workflow } })),
    );
    const [first] = nodes;
    for (const round of 'abcdefghijkl') {
      const ids = [...Array(16).keys()].map((n) => `workflow-${round}${n}`);
      await first?.database.transaction().execute(async (transaction) => {
        const added = { kind: 'gated', fairKey: 'a', version: '1', input: round };
        for (const id of ids) await addWorkflow<WorkflowTables>(transaction, { id, ...added }, null);
      });
      await atWork(nodes, 8);
      gate.open();
      for (const id of ids) await ended(nodes[0] as Opened, id);
      await atWork(nodes, 0);
      gate.close();
    }
  });

  it('begins a workflow of another version again, from its input', async () => {
    const seen: string[] = [];
    const versioned = (version: string): Workflow => ({
      run: async (_input, run) => {
        await run.step('one', async () => void seen.push(`${version} one`));
        await run.step('two', () => (version === '1' ? new Promise<never>(() => {}) : Promise.resolve()));
        return async () => {};
      },
      broken: () => async () => {},
    });
    const url = await database.server.createDatabase('engine_version');
    const old = await openTestEngine(url, { nodeId: 'node-1', version: '1', workflows: { flow: versioned('1') } });
    await old.engine.start({ id: 'workflow-1', kind: 'flow', fairKey: 'a', input: 0 });
    while (Object.keys((await old.engine.find('workflow-1'))?.results ?? {}).length === 0)
      await old.bells.heard('', 20);
    await old.close();
    const next = await open(url, { nodeId: 'node-1', version: '2', workflows: { flow: versioned('2') } });
    await ended(next, 'workflow-1');
    expect(seen).to.deep.equal(['1 one', '2 one']);
  });

  it('ends a workflow whose body throws again and again, with what its owner writes', async () => {
    const url = await database.server.createDatabase('engine_broken');
    const written: unknown[] = [];
    const broken: Workflow = {
      run: async () => {
        throw new TypeError('a mistake');
      },
      broken: (id, error) => async () => void written.push([id, (error as Error).message]),
    };
    const node1 = await open(url, { nodeId: 'node-1', workflows: { broken } });
    await node1.engine.start({ id: 'workflow-1', kind: 'broken', fairKey: 'a', input: 0 });
    await ended(node1, 'workflow-1');
    expect(written).to.deep.equal([['workflow-1', 'a mistake']]);
  });

  it('writes nothing any more for a workflow that another node has taken', async () => {
    const url = await database.server.createDatabase('engine_fence');
    const ends: string[] = [];
    const { gate, workflow } = gated([]);
    const ending = (name: string): Workflow => ({
      ...workflow,
      run: async (input, run) => {
        await workflow.run(input, run);
        return async () => void ends.push(name);
      },
    });
    const node1 = await open(url, { nodeId: 'node-1', workflows: { flow: ending('node-1') } });
    await node1.engine.start({ id: 'workflow-1', kind: 'flow', fairKey: 'a', input: 0 });
    while (node1.engine.atWork === 0) await node1.bells.heard('', 20);
    await sql`UPDATE workflows SET owner = 'node-2/x'`.execute(node1.database);
    gate.open();
    while (node1.engine.atWork > 0) await node1.bells.heard('', 20);
    expect(ends).to.deep.equal([]);
    expect((await node1.engine.find('workflow-1'))?.state).to.equal('running');
  });

  it('writes once, and tells of, what was recorded although no answer said so', async () => {
    const url = await database.server.createDatabase('engine_lost_answer');
    await using way = await BadWay.open(url);
    const written: string[] = [];
    const write = async (transaction: Transaction<unknown>, what: string) => {
      await sql`INSERT INTO written VALUES (${what})`.execute(transaction);
      way.loseAnswerTo('COMMIT');
    };
    const flow: Workflow = {
      run: async (_input, run) => {
        await run.step(
          'one',
          async () => void written.push('one'),
          async (transaction, before = []) => {
            const rows = await together(transaction, before);
            await write(transaction, 'one');
            return rows;
          },
        );
        return (transaction) => write(transaction, 'end');
      },
      broken: () => async () => {},
    };
    const onEnded = ({ workflowId }: { readonly workflowId: string }) => void written.push(`ended ${workflowId}`);
    const node1 = await open(way.url, { nodeId: 'node-1', workflows: { flow }, onEnded });
    await sql`CREATE TABLE written (what text)`.execute(node1.database);
    await node1.engine.start({ id: 'workflow-1', kind: 'flow', fairKey: 'a', input: 0 });
    while (node1.engine.atWork > 0) await node1.bells.heard('', 20);
    const { rows } = await sql<{ what: string }>`SELECT what FROM written`.execute(node1.database);
    expect(rows.map(({ what }) => what)).to.deep.equal(['one', 'end']);
    expect(written).to.deep.equal(['one', 'ended workflow-1']);
    await node1.close();
    opened.splice(opened.indexOf(node1), 1);
  });

  it('writes once what the database is still writing when the connection is lost', async () => {
    const url = await database.server.createDatabase('engine_slow_commit');
    await using way = await BadWay.open(url);
    const flow: Workflow = {
      run: async (_input, run) => {
        await run.step(
          'one',
          async () => way.loseAnswerTo('COMMIT', 'at it'),
          async (transaction, before = []) => {
            const rows = await together(transaction, before);
            await sql`INSERT INTO written VALUES ('one')`.execute(transaction);
            return rows;
          },
        );
        return async () => {};
      },
      broken: () => async () => {},
    };
    const node1 = await open(way.url, { nodeId: 'node-1', workflows: { flow } });
    const standby = new pg.Client({ connectionString: url });
    await standby.connect();
    try {
      // COMMIT waits here, as it does for a standby that must have it too.
      await standby.query(`CREATE TABLE written (what text);
        CREATE FUNCTION await_standby() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON written DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION await_standby();
        SELECT pg_advisory_lock(1)`);
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await node1.engine.start({ id: 'workflow-1', kind: 'flow', fairKey: 'a', input: 0 });
      while ((await standby.query(waiting)).rows.length < 2) await node1.bells.heard('', 20);
      await standby.query('SELECT pg_advisory_unlock(1)');
      while (node1.engine.atWork > 0) await node1.bells.heard('', 20);
      expect((await standby.query('SELECT what FROM written')).rows).to.deep.equal([{ what: 'one' }]);
    } finally {
      await standby.end();
    }
    await node1.close();
    opened.splice(opened.indexOf(node1), 1);
  });

  it('finds what it has taken without hearing of it', async () => {
    const url = await database.server.createDatabase('engine_unheard');
    const { gate, workflow } = gated([]);
    const node1 = await open(url, { nodeId: 'node-1', unheardMs: 0, workflows: { gated: workflow } });
    await node1.engine.start({ id: 'workflow-1', kind: 'gated', fairKey: 'a', input: 0 });
    await atWork([node1], 1);
    // As after a COMMIT, or a look at the queue, whose answer was lost.
    const row = { id: 'workflow-2', kind: 'gated', fairKey: 'a', version: '1', input: 0 };
    await addWorkflow(node1.database, row, node1.engine.owner);
    // The one that it has at work is let alone.
    expect(await node1.engine.reconcile()).to.equal(1);
    await atWork([node1], 2);
    expect(await node1.engine.reconcile()).to.equal(0);
    gate.open();
    for (const id of ['workflow-1', 'workflow-2']) await ended(node1, id);
  });

  it('cancels what waits at once and tells what is at work', async () => {
    const url = await database.server.createDatabase('engine_cancel');
    const { gate, workflow } = gated([]);
    const node1 = await open(url, { nodeId: 'node-1', window: 1, workflows: { gated: workflow } });
    const start = (engine: Engine, id: string) => engine.start({ id, kind: 'gated', fairKey: 'a', input: id });
    await start(node1.engine, 'workflow-1');
    while (node1.engine.atWork === 0) await node1.bells.heard('', 20);
    await start(node1.engine, 'workflow-2');
    expect(await node1.engine.cancel('workflow-2')).to.equal(true);
    expect((await node1.engine.find('workflow-2'))?.state).to.equal('ended');
    expect(await node1.engine.cancel('workflow-1')).to.equal(false);
    expect(node1.engine.execution('workflow-1')?.cancelled.aborted).to.equal(true);
    gate.open();
    expect((await ended(node1, 'workflow-1')).cancelled).to.equal(true);
  });
});
