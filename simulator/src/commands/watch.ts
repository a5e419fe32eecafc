// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { watch as watchFolder } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SimulatorError } from '../errors.ts';
import { apdu } from './cards.ts';
import { type Command, onlyWord, parseWords, printLine, usage } from './command.ts';

/** Changes come in bursts: an editor or a compiler writes many files. */
const QUIET_MS = 200;
const HIDDEN = /(^|[\\/])(\.[^\\/]+|node_modules)([\\/]|$)/;
/** What a build makes is not what it is made from. */
const MADE = /(^|[\\/])(build|target)[\\/]|\.(class|jar|exp|jca|ijc)$/;

async function build(command: string): Promise<boolean> {
  const child = spawn(command, { shell: true, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

async function runOnce({ file, script, command }: Job): Promise<void> {
  if (command !== undefined && !(await build(command))) {
    printLine('-- the build failed; waiting for a change');
    return;
  }
  try {
    const status = await apdu.run([file, '--script', script]);
    printLine(status === 0 ? '-- as expected; waiting for a change' : '-- not as expected; waiting for a change');
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    printLine(`-- ${error.message}; waiting for a change`);
  }
}

/** What is run, and the folder whose files it depends on. */
interface Job {
  readonly file: string;
  readonly script: string;
  readonly command: string | undefined;
  readonly folder: string;
}

/** What is in each file that is looked at, by path: a build that writes the same again changes nothing. */
type Stamps = ReadonlyMap<string, string>;

async function look({ file, script, command, folder }: Job): Promise<Stamps> {
  const found = new Map<string, string>();
  const note = async (path: string): Promise<void> => {
    // A folder, or a file that went while we look: it is not there then.
    const content = await readFile(path).catch(() => undefined);
    if (content !== undefined) found.set(path, createHash('sha256').update(content).digest('hex'));
  };
  for await (const name of glob('**', { cwd: folder })) {
    const made = command !== undefined && (MADE.test(name) || join(folder, name) === file);
    if (!HIDDEN.test(name) && !made) await note(join(folder, name));
  }
  await note(script);
  return found;
}

const changes = (before: Stamps, after: Stamps): string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));

/** Looks until two looks are the same. */
async function settled(job: Job): Promise<Stamps> {
  for (let before = await look(job); ; ) {
    await delay(QUIET_MS);
    const after = await look(job);
    if (changes(before, after).length === 0) return after;
    before = after;
  }
}

/** A file that differs after so many runs in a row is one that the build writes itself. */
const OWN_AFTER = 5;

/** Runs the job, and again whenever its files differ from those it ran with: a change while it runs is not lost. */
async function follow(job: Job, isEnded: () => boolean, event: () => Promise<void>): Promise<void> {
  let before = await look(job);
  /** Runs in a row during which a file changed. */
  let inARow = new Map<string, number>();
  for (let again = true; !isEnded(); ) {
    if (again) await runOnce(job);
    else await event();
    let after = await look(job);
    const changed = changes(before, after);
    if (changed.length > 0) after = await settled(job);
    inARow = new Map(again ? changed.map((name) => [name, (inARow.get(name) ?? 0) + 1]) : []);
    again = changed.some((name) => (inARow.get(name) ?? 0) < OWN_AFTER);
    before = after;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['script', 'build', 'sources']);
  const file = onlyWord(words, 'one card image or CAP file');
  const { script, build: command, sources } = values;
  if (script === undefined) throw usage('needs --script FILE');
  if ((command === undefined) !== (sources === undefined)) throw usage('--build and --sources go together');
  const folder = resolve(sources ?? dirname(file));
  const job = { file: resolve(file), script: resolve(script), command, folder };
  let seen = false;
  let ended = false;
  let wake = (): void => undefined;
  const notice = (): void => {
    seen = true;
    wake();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      ended = true;
      wake();
    });
  }
  const watchers = [watchFolder(folder, { recursive: true }, notice), watchFolder(dirname(job.script), notice)];
  try {
    await follow(
      job,
      () => ended,
      async () => {
        if (!seen && !ended) await new Promise<void>((resume) => (wake = resume));
        seen = false;
      },
    );
  } finally {
    for (const watcher of watchers) watcher.close();
  }
  return 0;
}

export const watch: Command = {
  usage: 'watch IMAGE|FILE.cap --script FILE [--build COMMAND --sources DIR]',
  summary: 'runs a script again whenever the CAP file, or the sources it is built from, change',
  help: `Without --build it watches the folder of the file. With it, each change in DIR runs COMMAND first; what a build makes
there (class and jar files, folders build and target, the CAP file) does not count.`,
  run,
};
