/** A node for the engine's tests: `node engine-node.ts URL NODE ID [die]`. Prints each step that it runs. */
import { startEngine } from '../../workflow/engine/durable.ts';

const [databaseUrl = '', nodeId = '', id = '', mode] = process.argv.slice(2);

const engine = await startEngine({
  ...{ databaseUrl, nodeId, name: 'engine-test', version: '1', beatMs: 100, deadAfterMs: 1_000 },
  workflows: {
    sum: async (input, run) => {
      const first = await run.step('first', async () => {
        console.log('first');
        return Number(input);
      });
      return run.step('second', async () => {
        console.log('second');
        if (mode === 'die') process.kill(process.pid, 'SIGKILL');
        return first + 1;
      });
    },
  },
});
if (mode === 'die') await engine.start('sum', id, 41);
for (;;) {
  const status = await engine.status(id);
  if (status?.state === 'done') {
    console.log(`done ${String(status.result)}`);
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await engine.stop();
process.exit(0);
