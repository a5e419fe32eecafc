// SPDX-License-Identifier: Apache-2.0
import { SimulatorError } from '../errors.ts';
import type { SimulatedCard } from '../simulated-card.ts';
import { startSimulator } from '../simulator.ts';
import { type Command, imageOrCap, parseWords, printLine, usage } from './command.ts';
import { describeStep, isExpected, parseScript, readScript, runStep, type Step } from './script.ts';

/** A card image or CAP file, and the commands for it: words in hex, or a script. */
interface Job {
  readonly file: string;
  readonly steps: readonly Step[];
  readonly values: Readonly<Record<string, string | undefined>>;
}

async function readJob(args: readonly string[], options: readonly string[] = []): Promise<Job> {
  const { values, words } = parseWords(args, ['script', ...options]);
  const [file, ...commands] = words;
  if (file === undefined) throw usage('needs a card image or a CAP file');
  const script = values.script === undefined ? [] : await readScript(values.script);
  return { file, steps: [...script, ...parseScript(commands, 'command')], values };
}

/** Runs the steps on a card of their own; prints each answer and counts those that are not as the script has them. */
async function runSteps(card: SimulatedCard, steps: readonly Step[], note: () => Promise<string>): Promise<number> {
  let wrong = 0;
  for (const step of steps) {
    const answer = await runStep(card, step);
    const right = isExpected(step, answer);
    wrong += right ? 0 : 1;
    const fault = right ? '' : `   expected ${step.expected}`;
    printLine(`${describeStep(step)} -> ${answer === '' ? 'done' : answer}${await note()}${fault}`);
  }
  return wrong;
}

const nothing = async (): Promise<string> => '';

async function runApdu(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  await using simulator = await startSimulator();
  const card = await simulator.insertLocated(await imageOrCap(job.file));
  return (await runSteps(card, job.steps, nothing)) === 0 ? 0 : 1;
}

async function runLoad(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  if (!/\.(cap|ijc)$/i.test(job.file)) throw usage('needs a CAP file');
  await using simulator = await startSimulator();
  const card = await simulator.insertLocated(await imageOrCap(job.file));
  for (const [aid, held] of Object.entries(await card.memory())) {
    printLine(`${aid}: ${held.persistent} bytes, RAM ${held.transientReset} + ${held.transientDeselect}`);
  }
  return (await runSteps(card, job.steps, nothing)) === 0 ? 0 : 1;
}

/** After each command, where memory has grown. */
async function runMemory(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  await using simulator = await startSimulator();
  const card = await simulator.insertLocated(await imageOrCap(job.file));
  let before = await card.memory();
  for (const [aid, held] of Object.entries(before)) {
    printLine(`${aid}: ${held.persistent} bytes, RAM ${held.transientReset} + ${held.transientDeselect}`);
  }
  const grown = async (): Promise<string> => {
    const now = await card.memory();
    const notes = Object.entries(now).flatMap(([aid, held]) => {
      const more = held.persistent - (before[aid]?.persistent ?? 0);
      const ram = held.transientReset + held.transientDeselect;
      const moreRam = ram - (before[aid]?.transientReset ?? 0) - (before[aid]?.transientDeselect ?? 0);
      return more === 0 && moreRam === 0 ? [] : [`   ${aid}: ${signed(more)} bytes, RAM ${signed(moreRam)}`];
    });
    before = now;
    return notes.join('');
  };
  return (await runSteps(card, job.steps, grown)) === 0 ? 0 : 1;
}

const signed = (value: number): string => (value > 0 ? `+${value}` : `${value}`);

async function runWear(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  await using simulator = await startSimulator();
  const card = await simulator.insertLocated(await imageOrCap(job.file));
  const first = (await card.statistics()).persistentWrites;
  let before = first;
  const writes = async (): Promise<string> => {
    const now = (await card.statistics()).persistentWrites;
    const more = now - before;
    before = now;
    return `   ${more} writes`;
  };
  const wrong = await runSteps(card, job.steps, writes);
  printLine(`${before - first} writes in all`);
  return wrong === 0 ? 0 : 1;
}

async function runCoverage(args: readonly string[]): Promise<number> {
  const job = await readJob(args, ['out', 'lines']);
  await using simulator = await startSimulator({ coverage: true, lines: job.values.lines?.split(',') });
  const card = await simulator.insertLocated(await imageOrCap(job.file));
  for (const step of job.steps) {
    const answer = await runStep(card, step);
    if (!isExpected(step, answer)) {
      throw new SimulatorError('usage', `${describeStep(step)} answered ${answer}, not ${step.expected}`);
    }
  }
  const records = Object.entries(await simulator.coverage()).map(([source, lines]) => {
    const counts = Object.entries(lines);
    const hit = counts.filter(([, count]) => count > 0).length;
    const data = counts.map(([line, count]) => `DA:${line},${count}`);
    return ['TN:', `SF:${source}`, ...data, `LF:${counts.length}`, `LH:${hit}`, 'end_of_record', ''].join('\n');
  });
  if (job.values.out === undefined) {
    process.stdout.write(records.join(''));
  } else {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(job.values.out, records.join(''));
  }
  return 0;
}

const steps = `HEX is a command; --script FILE has one a line, 'reset', '= 9000' behind a command
for the end of its answer,
and '#' before a remark. A command that answers otherwise makes the exit status 1.`;

export const apdu: Command = {
  usage: 'apdu IMAGE|FILE.cap [--script FILE] [HEX..]',
  summary: 'sends commands to a card of their own and prints the answers',
  help: steps,
  run: runApdu,
};
export const load: Command = {
  usage: 'load FILE.cap [--script FILE] [HEX..]',
  summary: 'verifies, links and installs a CAP file, says what it holds, and sends commands',
  help: steps,
  run: runLoad,
};
export const memory: Command = {
  usage: 'memory IMAGE|FILE.cap [--script FILE] [HEX..]',
  summary: 'says what each instance holds, and after which command it has grown',
  help: steps,
  run: runMemory,
};
export const wear: Command = {
  usage: 'wear IMAGE|FILE.cap [--script FILE] [HEX..]',
  summary: 'counts writes to persistent memory, command by command',
  help: steps,
  run: runWear,
};
export const coverage: Command = {
  usage: 'coverage IMAGE|FILE.cap [--script FILE] [--out LCOV] [--lines FILE.cap,..] [HEX..]',
  summary: 'tells which source lines ran, as lcov',
  help: `${steps}
Lines are those of class files compiled with -g, and of CAP files with a Debug component (debug="true"); code that comes
by LOAD has those of the CAP file of --lines that it came from.`,
  run: runCoverage,
};
