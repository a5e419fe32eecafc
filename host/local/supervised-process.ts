// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TransportError } from '../errors.ts';

export interface ProcessOptions {
  readonly name: string;
  /** Command of the CLI: `ota`, `kms`, ... */
  readonly daemon: string;
  readonly configFile: string;
  /** Started with the CLI's arguments in its place. */
  readonly program?: string;
  /** Standard error goes here. */
  readonly outputFile: string;
  /** Start it again, with growing pauses, when it ends by itself or is killed. */
  readonly keepAlive: boolean;
  readonly onEvent?: (event: ProcessEvent) => void;
}

export interface ProcessEvent {
  readonly name: string;
  readonly event: 'ready' | 'ended' | 'start-failed';
  readonly detail: string;
}

const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '../..');
const CLI = join(REPOSITORY, 'host/cli/tsm.mjs');
const READY_MS = 90_000;
const STOP_MS = 20_000;
const BACKOFF_MS = { first: 200, longest: 10_000 };
/** After this long a process counts as healthy and its next restart is quick again. */
const HEALTHY_MS = 30_000;

/**
 * One daemon as a child process. It ends with this process, also when that is killed: the child
 * reads a pipe whose other end is here.
 */
export class SupervisedProcess {
  readonly #options: ProcessOptions;
  #child: ChildProcess | undefined;
  #wanted = false;
  #backoffMs: number = BACKOFF_MS.first;
  #restart: NodeJS.Timeout | undefined;
  #up: Promise<void> = Promise.resolve();

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  /** Process id, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it and waits until it listens. @throws TransportError `daemon-start` with its own words */
  async start(): Promise<void> {
    this.#wanted = true;
    if (this.#child === undefined) this.#up = this.#launch();
    try {
      await this.#up;
    } catch (error) {
      // What cannot start the first time has a reason that trying again does not remove.
      this.#wanted = false;
      clearTimeout(this.#restart);
      throw error;
    }
  }

  /** Waits until it listens (again), for a process that is kept alive. */
  async ready(): Promise<void> {
    while (this.#wanted) {
      const up = this.#up;
      const failed = await up.then(
        () => false,
        () => true,
      );
      if (!failed && this.#child !== undefined && this.#up === up) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new TransportError('daemon-start', `${this.#options.name} is not to run`);
  }

  /** Kills it as a power cut would, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    // Whoever asks for it knows why: it is no sign that the next life will be short.
    this.#backoffMs = BACKOFF_MS.first;
    const ended = ending(child);
    child.kill(signal);
    await ended;
  }

  /** Ends it and keeps it ended. */
  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const ended = ending(child);
    const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(overdue);
  }

  async #launch(): Promise<void> {
    const { name, daemon, configFile, outputFile, program = CLI } = this.#options;
    const output = await open(outputFile, 'a', 0o600);
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, daemon, '--config', configFile, '--supervised'],
      {
        stdio: ['pipe', 'pipe', output.fd],
        // Its own group: Ctrl-C reaches only this process, which then stops the others in order.
        detached: true,
        env: {
          ...process.env,
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(REPOSITORY, 'node_modules/.cache/opentsm'),
        },
      },
    );
    await output.close();
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.once('exit', (code, signal) => this.#ended(child, code, signal));
    const problem = await readiness(child);
    if (problem === undefined) {
      this.#tell('ready', `process ${child.pid}`);
      return;
    }
    child.kill('SIGKILL');
    const output_ = await readFile(outputFile, 'utf8').catch(() => '');
    this.#tell('start-failed', problem);
    throw new TransportError('daemon-start', `${name} did not start: ${problem}\n${output_.slice(-800)}`.trim(), {
      name,
    });
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child === child) this.#child = undefined;
    child.stdin?.destroy();
    this.#tell('ended', signal ?? `exit code ${code}`);
    if (!this.#wanted || !this.#options.keepAlive) return;
    const pause = this.#backoffMs;
    this.#backoffMs = Math.min(pause * 2, BACKOFF_MS.longest);
    this.#up = new Promise((resolve, reject) => {
      this.#restart = setTimeout(() => {
        if (!this.#wanted) return;
        this.#launch().then(() => {
          const started = this.#child;
          setTimeout(() => {
            if (this.#child === started) this.#backoffMs = BACKOFF_MS.first;
          }, HEALTHY_MS).unref();
          resolve();
        }, reject);
      }, pause);
    });
    this.#up.catch(() => undefined);
  }

  #tell(event: ProcessEvent['event'], detail: string): void {
    this.#options.onEvent?.({ name: this.#options.name, event, detail });
  }
}

async function ending(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Waits for the first line of standard output; undefined when the daemon listens, else what is wrong. */
function readiness(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    const overdue = setTimeout(() => resolve(`not ready within ${READY_MS} ms`), READY_MS);
    const done = (problem: string | undefined) => {
      clearTimeout(overdue);
      resolve(problem);
    };
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => done(`it ended with ${signal ?? `exit code ${code}`}`));
    if (child.stdout === null) return done('it has no standard output');
    createInterface({ input: child.stdout }).once('line', (line) => done(readyLine(line)));
  });
}

function readyLine(line: string): string | undefined {
  try {
    const { ready, error } = JSON.parse(line) as { ready?: boolean; error?: string };
    return ready === true ? undefined : (error ?? 'it is not ready');
  } catch {
    return `its first line was ${line.slice(0, 200)}`;
  }
}
