// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { InstanceMemory, SimulatedCard } from '../simulated-card.ts';
import { type Simulator, type SiteCounts, startSimulator } from '../simulator.ts';
import {
  CAP_HELP,
  CARD_OPTIONS,
  type Command,
  capOptions,
  imageOrCap,
  isCap,
  parseWords,
  printLine,
  requireFiles,
  splitFiles,
  usage,
  type Words,
} from './command.ts';
import { ask, cardOfRunner } from './control.ts';
import { describeStep, isExpected, parseScript, readScript, runStep, type Step, type Target } from './script.ts';

/** A card image or CAP files, and the commands for it: words in hex, or a script. */
interface Job {
  readonly files: readonly string[];
  readonly steps: readonly Step[];
  readonly given: Words;
  /** Socket of the runner whose card it is for. */
  readonly control: string | undefined;
}

async function readJob(args: readonly string[], options: readonly string[] = []): Promise<Job> {
  const given = parseWords(args, ['script', ...CARD_OPTIONS.values, ...options], CARD_OPTIONS.others);
  const { words, values } = given;
  const noFile = values.control !== undefined && !isCap(words[0] ?? '');
  const { files, rest } = noFile ? { files: [], rest: words } : splitFiles(words);
  if (files.length === 0 && values.control === undefined) throw usage('needs a card image or a CAP file');
  // A card that is not there is the first thing to say, not what its commands look like.
  await requireFiles([...(given.lists.library ?? []), ...files]);
  const script = values.script === undefined ? [] : await readScript(values.script);
  return { files, steps: [...script, ...parseScript(rest, 'command')], given, control: values.control };
}

const insertCard = async (simulator: Simulator, { files, given }: Job): Promise<SimulatedCard> =>
  simulator.insertLocated(await imageOrCap(files, capOptions(given)));

/** Runs the steps on a card of their own; prints each answer and counts those that are not as the script has them. */
async function runSteps(card: Target, steps: readonly Step[], note: () => Promise<string>): Promise<number> {
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
  const job = await readJob(args, ['control']);
  if (job.control !== undefined) {
    if (job.files.length > 0) throw usage('--control names the card; load takes CAP files to it');
    return (await runSteps(cardOfRunner(job.control), job.steps, nothing)) === 0 ? 0 : 1;
  }
  await using simulator = await startSimulator({ reasons: true });
  return (await runSteps(await insertCard(simulator, job), job.steps, nothing)) === 0 ? 0 : 1;
}

async function runLoad(args: readonly string[]): Promise<number> {
  const job = await readJob(args, ['control']);
  if (job.files.length === 0 || !job.files.every(isCap)) throw usage('needs a CAP file');
  if (job.control !== undefined) return loadIntoRunner(job, job.control);
  await using simulator = await startSimulator({ reasons: true });
  const card = await insertCard(simulator, job);
  printMemory(await card.memory());
  return (await runSteps(card, job.steps, nothing)) === 0 ? 0 : 1;
}

async function loadIntoRunner({ files, steps, given }: Job, control: string): Promise<number> {
  const { libraries = [], parameters, toolkit } = capOptions(given);
  if (toolkit === true) throw usage('--toolkit is for a card that is made; the runner has its card');
  for (const file of [...libraries, ...files]) {
    printLine(await ask(control, { verb: 'load', argument: resolve(file), parameters }));
  }
  return (await runSteps(cardOfRunner(control), steps, nothing)) === 0 ? 0 : 1;
}

function printMemory(accounts: Readonly<Record<string, InstanceMemory>>): void {
  for (const [aid, held] of Object.entries(accounts)) {
    printLine(`${aid}: ${held.persistent} bytes, RAM ${held.transientReset} + ${held.transientDeselect}`);
  }
}

/** So many places are told, the largest first. */
const MOST_PLACES = 20;

/** The places with most, and how much of it came with the commands. */
async function printPlaces(
  simulator: Simulator,
  before: Readonly<Record<string, SiteCounts>>,
  what: keyof SiteCounts,
): Promise<void> {
  const places = Object.entries(await simulator.sites())
    .map(([place, counts]) => ({ place, all: counts[what], more: counts[what] - (before[place]?.[what] ?? 0) }))
    .filter(({ all }) => all > 0)
    .toSorted((one, other) => other.more - one.more || other.all - one.all);
  for (const { place, all, more } of places.slice(0, MOST_PLACES)) {
    printLine(`  ${place}: ${all} ${what}, ${more} of them by the commands`);
  }
}

/** After each command, where memory has grown. */
async function runMemory(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  await using simulator = await startSimulator({ sites: true, reasons: true });
  const card = await insertCard(simulator, job);
  let before = await card.memory();
  printMemory(before);
  const places = await simulator.sites();
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
  const wrong = await runSteps(card, job.steps, grown);
  await printPlaces(simulator, places, 'bytes');
  return wrong === 0 ? 0 : 1;
}

const signed = (value: number): string => (value > 0 ? `+${value}` : `${value}`);

async function runWear(args: readonly string[]): Promise<number> {
  const job = await readJob(args);
  await using simulator = await startSimulator({ sites: true, reasons: true });
  const card = await insertCard(simulator, job);
  const places = await simulator.sites();
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
  await printPlaces(simulator, places, 'writes');
  return wrong === 0 ? 0 : 1;
}

async function runCoverage(args: readonly string[]): Promise<number> {
  const job = await readJob(args, ['out', 'lines']);
  const { out, lines } = job.given.values;
  await using simulator = await startSimulator({ coverage: true, reasons: true, lines: lines?.split(',') });
  const card = await insertCard(simulator, job);
  let wrong = 0;
  for (const step of job.steps) {
    const answer = await runStep(card, step);
    if (!isExpected(step, answer)) {
      wrong += 1;
      process.stderr.write(`${describeStep(step)} answered ${answer}, not ${step.expected}\n`);
    }
  }
  const records = Object.entries(await simulator.coverage()).map(([source, counted]) => {
    const counts = Object.entries(counted);
    const hit = counts.filter(([, count]) => count > 0).length;
    const data = counts.map(([line, count]) => `DA:${line},${count}`);
    return ['TN:', `SF:${source}`, ...data, `LF:${counts.length}`, `LH:${hit}`, 'end_of_record', ''].join('\n');
  });
  if (out === undefined) process.stdout.write(records.join(''));
  else await writeFile(out, records.join(''));
  return wrong === 0 ? 0 : 1;
}

const steps = `HEX is a command; --script FILE has one a line, 'reset', '= 9000' behind a command
for the end of its answer,
and '#' before a remark. A command that answers otherwise makes the exit status 1.
${CAP_HELP}`;

const CAP_USAGE = '[--library FILE.cap].. [--parameters HEX] [--toolkit]';

const places = `Places are lines of class files compiled with -g and of CAP files with a Debug component, else classes
and methods.`;

export const apdu: Command = {
  usage: `apdu IMAGE|FILE.cap..|--control SOCKET [--script FILE] ${CAP_USAGE} [HEX..]`,
  summary: 'sends commands to a card of their own, or to that of a runner, and prints the answers',
  help: `${steps}
  --control SOCKET     the card is that of a runner, which was started with the same`,
  run: runApdu,
};
export const load: Command = {
  usage: `load FILE.cap.. [--control SOCKET] [--script FILE] ${CAP_USAGE} [HEX..]`,
  summary: 'verifies, links and installs CAP files, says what they hold, and sends commands',
  help: `${steps}
  --control SOCKET     loads into the card of a runner, in place of files with the same AIDs, by the card maker's hand`,
  run: runLoad,
};
export const memory: Command = {
  usage: `memory IMAGE|FILE.cap.. [--script FILE] ${CAP_USAGE} [HEX..]`,
  summary: 'says what each instance holds, after which command it has grown, and where in the source',
  help: `${steps}
${places}`,
  run: runMemory,
};
export const wear: Command = {
  usage: `wear IMAGE|FILE.cap.. [--script FILE] ${CAP_USAGE} [HEX..]`,
  summary: 'counts writes to persistent memory, command by command and by place in the source',
  help: `${steps}
${places}`,
  run: runWear,
};
export const coverage: Command = {
  usage: `coverage IMAGE|FILE.cap.. [--script FILE] [--out LCOV] [--lines FILE.cap,..] ${CAP_USAGE} [HEX..]`,
  summary: 'tells which source lines ran, as lcov',
  help: `${steps}
Lines are those of class files compiled with -g, and of CAP files with a Debug component (debug="true"); code that comes
by LOAD has those of the CAP file of --lines that it came from.`,
  run: runCoverage,
};
