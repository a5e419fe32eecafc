// SPDX-License-Identifier: Apache-2.0
import { readConfig } from '../daemon/config.ts';
import { UsageError } from '../errors.ts';
import { startTopology } from '../local/topology.ts';
import { developmentPlan, TopologyPlan } from '../local/topology-plan.ts';

export interface UpOptions {
  readonly state: string;
  readonly topology?: string;
  readonly nodes?: string;
}

/** `tsm up`: runs everything until it is told to end; daemons that die are started again. */
export async function up(options: UpOptions): Promise<void> {
  if (options.nodes !== undefined && !/^[1-8]$/.test(options.nodes)) {
    throw new UsageError('bad-option', '--nodes takes a number from 1 to 8');
  }
  const told = untilTold();
  const plan =
    options.topology === undefined ? developmentPlan({ front: {} }) : await readConfig(options.topology, TopologyPlan);
  process.stdout.write(`starting in ${options.state}\n`);
  const topology = await startTopology({
    ...plan,
    ...(options.nodes === undefined ? {} : { nodes: Number(options.nodes) }),
    stateDir: options.state,
    keepAlive: true,
    onEvent: ({ name, event, detail }) => process.stdout.write(`${name}: ${event} (${detail})\n`),
  });
  for (const name of topology.names) process.stdout.write(`${name.padEnd(24)} ${topology.url(name)}\n`);
  for (const address of topology.appAddresses()) process.stdout.write(`${'phone apps'.padEnd(24)} ${address}\n`);
  for (const name of topology.names) {
    for (const address of topology.tsmsAddresses(name))
      process.stdout.write(`${`TSM-Backend of ${name}`.padEnd(24)} ${address}/sptsm/1.0.4\n`);
  }
  const shown = new Set<string>();
  for (const name of topology.names.filter((known) => /^(issuer|provider|front)/.test(known))) {
    const operator = { role: 'operator', id: 'up', platform: topology.peer(name) } as const;
    const { certificate } = await topology.pki.issue(operator);
    // Nodes of one platform have one operator.
    if (shown.has(certificate)) continue;
    shown.add(certificate);
    process.stdout.write(`${`operator of ${name}`.padEnd(24)} ${certificate}\n`);
  }
  process.stdout.write('running; end it with Ctrl-C\n');
  await told;
  process.stdout.write('stopping\n');
  await topology.stop();
}

const PARENT_MS = 250;

/** From the first line on, and for good: a second signal must not end us before the daemons have ended. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
    // npx ends its shell when it is told to end, and the shell does not tell us.
    if (process.env.npm_command !== 'exec') return;
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      resolve();
    }, PARENT_MS);
    watch.unref();
  });
}
