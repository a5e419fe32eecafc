// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../daemon/config.ts';
import { UsageError } from '../errors.ts';
import { withOwnCards } from '../local/own-cards.ts';
import { claimState } from '../local/state-claim.ts';
import { startTopology, type Topology } from '../local/topology.ts';
import { developmentPlan, TopologyPlan } from '../local/topology-plan.ts';

export interface UpOptions {
  readonly state: string;
  readonly topology?: string;
  readonly nodes?: string;
  readonly cardKeys?: string;
  readonly package?: string;
  readonly cardMakers?: string;
}

/** `tsm up`: runs everything until it is told to end; daemons that die are started again. */
export async function up(options: UpOptions): Promise<void> {
  if (options.nodes !== undefined && !/^[1-8]$/.test(options.nodes)) {
    throw new UsageError('bad-option', '--nodes takes a number from 1 to 8');
  }
  const told = untilTold();
  const plan =
    options.topology === undefined ? developmentPlan({ front: {} }) : await readConfig(options.topology, TopologyPlan);
  const cards = {
    ...(options.cardKeys === undefined ? {} : { keys: options.cardKeys }),
    ...(options.package === undefined ? {} : { package: options.package }),
    ...(options.cardMakers === undefined ? {} : { makers: options.cardMakers }),
  };
  const free = await claimState(options.state);
  const whole = await withOwnCards(plan, cards, options.state);
  process.stdout.write(`starting in ${options.state}\n`);
  const topology = await startTopology({
    ...whole,
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
  await writeOperators(topology);
  process.stdout.write('running; end it with Ctrl-C\n');
  await told;
  process.stdout.write('stopping\n');
  await topology.stop();
  await free();
}

/** An operator of each daemon, with the file that `--config` of tsm takes; nodes of one daemon have one. */
async function writeOperators(topology: Topology): Promise<void> {
  const folder = join(topology.stateDir, 'operators');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const shown = new Set<string>();
  for (const name of topology.names) {
    const { role, id } = topology.peer(name);
    const tls = await topology.pki.issue({ role: 'operator', id: 'up', platform: { role, id } });
    if (shown.has(tls.certificate)) continue;
    shown.add(tls.certificate);
    const file = join(folder, `${name}.json`);
    const config = { platform: { url: topology.addresses(name), role, id }, tls };
    await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
    process.stdout.write(`${`operator of ${name}`.padEnd(24)} ${tls.certificate}\n`);
  }
  process.stdout.write(`${'tsm .. --config'.padEnd(24)} ${join(folder, 'NAME.json')}\n`);
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
