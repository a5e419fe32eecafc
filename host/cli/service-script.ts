// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { UsageError, WorkflowError } from '../errors.ts';
import type { ServiceScript } from '../wire/script/service-script.ts';
import type { ScriptParts } from '../workflow/service-script/run-script.ts';
import { addExamples } from './card/examples.ts';

/** `tsm script check|graph|run`: service scripts, beside `tsm script FILE`, which sends commands as they stand. */

async function scriptOf(file: string): Promise<ServiceScript> {
  const { readInput } = await import('./card/cap-choice.ts');
  const { readServiceScript } = await import('../wire/script/service-script.ts');
  return readServiceScript(new TextDecoder().decode(await readInput(file)));
}

/** `tsm script FILE` has the option too, and takes it before a command behind it does. */
const wantsJson = (command: Command): boolean => command.optsWithGlobals().json === true;

const check = (): Command =>
  new Command('check')
    .description('says what is wrong with a service script; exit code 1 for findings')
    .argument('<script.json>')
    .option('--json', 'prints JSON', false)
    .action(async (file: string, _options: object, command: Command) => {
      const { scriptFindings } = await import('../wire/script/check-script.ts');
      const script = await scriptOf(file);
      const findings = scriptFindings(script);
      const { name, version, steps } = script;
      const good = `${name} ${version}: ${Object.keys(steps).length} steps, nothing found`;
      const text = wantsJson(command)
        ? JSON.stringify({ name, version, findings })
        : (findings.length > 0 ? findings : [good]).join('\n');
      process.stdout.write(`${text}\n`);
      if (findings.length > 0) throw new WorkflowError('script-findings', `${file} has ${findings.length} findings`);
    });

const graph = (): Command =>
  new Command('graph')
    .description('prints a service script as a graph in the DOT language')
    .argument('<script.json>')
    .option('--json', 'prints the steps with those that they name, as JSON', false)
    .action(async (file: string, _options: object, command: Command) => {
      const { scriptGraph } = await import('../wire/script/check-script.ts');
      const { targetsOf } = await import('../wire/script/service-script.ts');
      const script = await scriptOf(file);
      const edges = Object.entries(script.steps).map(([name, step]) => [name, targetsOf(step)]);
      process.stdout.write(wantsJson(command) ? `${JSON.stringify(Object.fromEntries(edges))}\n` : scriptGraph(script));
    });

const run = (): Command =>
  new Command('run')
    .description('runs a service script as a trial: with a card and without KMS, or dry with a simulated card')
    .argument('<script.json>')
    .option('--reader <name>', 'part of a reader’s name, or tcp:HOST:PORT')
    .option('--dry-run', 'runs with a simulated card that is gone afterwards', false)
    .option('--image <image>', 'with --dry-run: the card, a JSON file or a name of simulator/cards', 'plain')
    .option('--test-keys <file>', 'with --dry-run: JSON file of keys that the script may name, for this run alone')
    .option('--serial <hex>', 'with --dry-run: of the instance, from which the keys of its card come', '00'.repeat(8))
    .option('--input <name=hex...>', 'a value that the script wants')
    .option('--json', 'prints JSON, as it always does', false)
    .action(async (file: string, _options: object, command: Command) => {
      // `tsm script FILE` has a --reader of its own, which takes the word before this command sees it.
      const options: RunOptions = command.optsWithGlobals();
      const { runServiceScript } = await import('../workflow/service-script/run-script.ts');
      const script = await scriptOf(file);
      const inputs = Object.fromEntries((options.input ?? []).map(inputOf));
      await using parts = await partsOf(options);
      const result = await runServiceScript(script, inputs, parts);
      process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      if (result.end === 'failed') throw new WorkflowError('script-failed', result.reason ?? 'the script failed');
    });

interface RunOptions {
  readonly reader?: string;
  readonly dryRun?: boolean;
  readonly image?: string;
  readonly testKeys?: string;
  readonly serial?: string;
  readonly input?: readonly string[];
}

async function partsOf({
  reader,
  dryRun,
  image = 'plain',
  testKeys,
  serial = '',
}: RunOptions): Promise<ScriptParts & AsyncDisposable> {
  if (dryRun === true) {
    const { openTrial } = await import('./script-trial.ts').catch(withoutSimulator);
    if (!/^[0-9A-Fa-f]{16}$/.test(serial)) throw new UsageError('bad-option', '--serial has 8 bytes in hexadecimal');
    return openTrial({ image, keyFile: testKeys, serial: serial.toUpperCase() });
  }
  if (testKeys !== undefined) throw new UsageError('bad-option', '--test-keys goes with --dry-run');
  const { openCard } = await import('./card/readers.ts');
  const open = await openCard(reader ?? process.env.TSM_READER);
  return { card: open.card, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}

/** An installation has none. */
function withoutSimulator(error: unknown): never {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
  throw new UsageError('no-simulator', 'A dry run needs the simulator, which only a checkout has', {}, error);
}

function inputOf(text: string): readonly [string, string] {
  const [, name, value] = /^(\w+)=([0-9A-Fa-f]*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError('bad-option', '--input takes name=hex');
  return [name, value.toUpperCase()];
}

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  check: ['check service.json'],
  graph: ['graph service.json'],
  run: [
    'run service.json --dry-run --image plain',
    'run service.json --reader ACR1252 --input serial=0102030405060708',
  ],
};

export function serviceScriptCommands(): Command[] {
  const commands = [check(), graph(), run()];
  for (const command of commands) addExamples(command, 'tsm script', EXAMPLES[command.name()] ?? []);
  return commands;
}
