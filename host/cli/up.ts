import { readConfig } from '../daemon/config.ts';
import { startTopology } from '../local/topology.ts';
import { developmentPlan, TopologyPlan } from '../local/topology-plan.ts';

/** `tsm up`: runs everything until it is told to end; daemons that die are started again. */
export async function up(options: { readonly state: string; readonly topology?: string }): Promise<void> {
  const told = untilTold();
  const plan = options.topology === undefined ? developmentPlan() : await readConfig(options.topology, TopologyPlan);
  process.stdout.write(`starting in ${options.state}\n`);
  const topology = await startTopology({
    ...plan,
    stateDir: options.state,
    keepAlive: true,
    onEvent: ({ name, event, detail }) => process.stdout.write(`${name}: ${event} (${detail})\n`),
  });
  for (const name of topology.names) process.stdout.write(`${name.padEnd(24)} ${topology.url(name)}\n`);
  for (const name of topology.names.filter((known) => /^(issuer|provider)/.test(known))) {
    const operator = { role: 'operator', id: 'up', platform: topology.peer(name) } as const;
    const { certificate } = await topology.pki.issue(operator);
    process.stdout.write(`${`operator of ${name}`.padEnd(24)} ${certificate}\n`);
  }
  process.stdout.write('running; end it with Ctrl-C\n');
  await told;
  process.stdout.write('stopping\n');
  await topology.stop();
}

/** From the first line on, and for good: a second signal must not end us before the daemons have ended. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
  });
}
