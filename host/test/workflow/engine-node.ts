// SPDX-License-Identifier: Apache-2.0
/** A node for the engine's tests: `node engine-node.ts URL NODE ID [die]`. Prints each step that it runs. */
import { workflowBell } from '../../store/workflows.ts';
import { openTestEngine } from './engine-fixture.ts';

const [databaseUrl = '', nodeId = '', id = '', mode] = process.argv.slice(2);

const { engine, bells, close } = await openTestEngine(databaseUrl, {
  nodeId,
  beatMs: 100,
  deadAfterMs: 1_000,
  workflows: {
    sum: {
      run: async (input, run) => {
        const first = await run.step('first', async () => {
          console.log('first');
          return Number(input);
        });
        const second = await run.step('second', async () => {
          console.log('second');
          if (mode === 'die') process.kill(process.pid, 'SIGKILL');
          return first + 1;
        });
        return async () => console.log(`done ${second}`);
      },
      broken: () => async () => console.log('broken'),
    },
  },
});
if (mode === 'die') await engine.start({ id, kind: 'sum', fairKey: 'a', input: 41 });
while ((await engine.find(id))?.state !== 'ended') await bells.heard(workflowBell(id), 5_000);
await close();
