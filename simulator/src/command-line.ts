// SPDX-License-Identifier: Apache-2.0
import { apdu, coverage, load, memory, wear } from './commands/cards.ts';
import type { Command } from './commands/command.ts';
import { insert, remove, restore, snapshot } from './commands/control.ts';
import { corpus } from './commands/corpus.ts';
import { farm } from './commands/farm.ts';
import { installMaven } from './commands/install-maven.ts';
import { start } from './commands/start.ts';
import { tear } from './commands/tear.ts';
import { watch } from './commands/watch.ts';
import { SimulatorError } from './errors.ts';

const commands: Readonly<Record<string, Command>> = {
  start,
  insert,
  remove,
  snapshot,
  restore,
  apdu,
  load,
  watch,
  tear,
  wear,
  memory,
  coverage,
  corpus,
  farm,
  'install-maven': installMaven,
};

const overview = [
  'usage: jcardsim-runner COMMAND ..',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`),
  'jcardsim-runner COMMAND --help says more.',
].join('\n');

const asksHelp = (args: readonly string[]): boolean => args.includes('--help') || args.includes('-h');

/**
 * The command line.
 * @returns exit status: 0, 1 when the work cannot be done or an answer is not as expected, 2 for a wrong command line
 */
export async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  if (command === undefined) {
    const asked = asksHelp(args);
    (asked ? process.stdout : process.stderr).write(`${overview}\n`);
    return asked ? 0 : 2;
  }
  if (asksHelp(rest)) {
    process.stdout.write(`usage: jcardsim-runner ${command.usage}\n${command.summary}\n\n${command.help}\n`);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (!(error instanceof SimulatorError)) {
      throw error;
    }
    const isUsage = error.code === 'usage';
    process.stderr.write(`${error.message}\n${isUsage ? `usage: jcardsim-runner ${command.usage}\n` : ''}`);
    return isUsage ? 2 : 1;
  }
}
