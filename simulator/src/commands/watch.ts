// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch as watchFiles } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SimulatorError } from '../errors.ts';
import { apdu } from './cards.ts';
import { type Command, onlyWord, parseWords, printLine, usage } from './command.ts';

/** Changes come in bursts: a compiler writes many files. */
const QUIET_MS = 200;

async function build(command: string): Promise<boolean> {
  const child = spawn(command, { shell: true, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

async function runOnce(file: string, script: string, command: string | undefined): Promise<void> {
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

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['script', 'build', 'sources']);
  const file = onlyWord(words, 'one card image or CAP file');
  const { script } = values;
  if (script === undefined) throw usage('needs --script FILE');
  if ((values.build === undefined) !== (values.sources === undefined)) throw usage('--build and --sources go together');
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.abort());
  const folder = resolve(values.sources ?? dirname(file));
  const changes = watchFiles(folder, { recursive: true, signal: ended.signal });
  await runOnce(file, script, values.build);
  let last = Date.now();
  try {
    for await (const _change of changes) {
      if (Date.now() - last < QUIET_MS) continue;
      await new Promise((resume) => setTimeout(resume, QUIET_MS));
      await runOnce(file, script, values.build);
      last = Date.now();
    }
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  }
  return 0;
}

export const watch: Command = {
  usage: 'watch IMAGE|FILE.cap --script FILE [--build COMMAND --sources DIR]',
  summary: 'runs a script again whenever the CAP file, or the sources it is built from, change',
  help: `Without --build it watches the folder of the file. With it, each change in DIR runs COMMAND first.`,
  run,
};
