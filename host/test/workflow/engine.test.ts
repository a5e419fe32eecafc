import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startEngine } from '../../workflow/engine/durable.ts';
import { TestDatabase } from '../ota/fixture.ts';

const script = fileURLToPath(new URL('engine-node.ts', import.meta.url));

async function node(...arguments_: readonly string[]) {
  const child = spawn(process.execPath, [script, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => lines.push(part));
  child.stderr.resume();
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { lines: Buffer.concat(lines).toString().trim().split('\n'), signal };
}

describe('the durable engine', () => {
  let database: TestDatabase;
  before(async () => {
    database = await TestDatabase.start();
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
    const engine = await startEngine({
      databaseUrl: await database.server.createDatabase('engine_once'),
      ...{ name: 'once', version: '1', nodeId: 'node-1' },
      workflows: {
        count: async (_input, run) =>
          run.step('count', async () => {
            runs += 1;
            return runs;
          }),
      },
    });
    try {
      await Promise.all([1, 2, 3].map((input) => engine.start('count', 'workflow-1', input)));
      while ((await engine.status('workflow-1'))?.state === 'running')
        await new Promise((done) => setTimeout(done, 10));
      await engine.start('count', 'workflow-1', 4);
      expect(await engine.status('workflow-1')).to.deep.equal({ state: 'done', result: 1 });
      expect(runs).to.equal(1);
    } finally {
      await engine.stop();
    }
  });
});
