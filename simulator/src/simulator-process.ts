import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SimulatorError, type SimulatorErrorCode } from './errors.ts';

const built = resolve(import.meta.dirname, '../java/target');
/** What Maven built in a checkout; in an installed package, the copy in lib/. */
const target = existsSync(built) ? built : resolve(import.meta.dirname, '../lib');
const appletClasses = resolve(import.meta.dirname, existsSync(built) ? '../../applet/target/classes' : '../lib/applet');

interface Reply {
  readonly id: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: SimulatorErrorCode; readonly message: string; readonly field?: string };
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: SimulatorError) => void;
}

/** Options of the process: the `java` command, and whether applets' uncaught exceptions are printed. */
export interface ProcessOptions {
  readonly java?: string | undefined;
  readonly trace?: boolean | undefined;
  /** True: the process alone does not keep Node running, only an open request does. */
  readonly background?: boolean | undefined;
}

/** The JVM with the cards in it, and the JSON lines to and from it. */
export class SimulatorProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  readonly #background: boolean;
  #lastId = 0;
  #ended: SimulatorError | undefined;

  constructor(options: ProcessOptions) {
    const jar = join(target, 'opentsm-simulator.jar');
    if (!existsSync(jar)) {
      throw new SimulatorError('not-built', `${jar} is missing: run "mvn package" in the repository first`);
    }
    const classPath = [jar, join(target, 'lib', '*'), appletClasses].join(delimiter);
    const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4', '-XX:-UsePerfData', '-Xshare:auto', '-Xss512k'];
    if (options.trace ?? process.env.OPENTSM_SIMULATOR_TRACE === '1') {
      flags.push('-Dopentsm.trace=true');
    }
    this.#background = options.background ?? false;
    this.#child = spawn(
      options.java ?? 'java',
      [...flags, '-cp', classPath, 'org.opentsm.simulator.control.Main', appletClasses],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#exited = new Promise((exited) => {
      this.#child.once('error', (cause) => {
        this.#end(new SimulatorError('java-unavailable', `cannot start Java: ${cause.message}`, { cause }));
        exited();
      });
      this.#child.once('exit', () => {
        this.#end(new SimulatorError('stopped', 'the simulator has stopped'));
        exited();
      });
    });
    // A write to a process that is gone is told by its exit, not here.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#receive(line));
    this.#hold(false);
  }

  /**
   * Calls a control method of the simulator.
   * @throws {SimulatorError}
   */
  call(method: string, parameters: object = {}): Promise<Record<string, unknown>> {
    if (this.#ended !== undefined) {
      return Promise.reject(this.#ended);
    }
    const id = ++this.#lastId;
    return new Promise((resolveCall, reject) => {
      this.#waiting.set(id, { resolve: resolveCall, reject });
      this.#hold(true);
      this.#child.stdin.write(`${JSON.stringify({ id, method, parameters })}\n`);
    });
  }

  /** Ends the process; it saves its cards first. */
  async stop(): Promise<void> {
    this.#hold(true);
    this.#child.stdin.end();
    await this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #receive(line: string): void {
    const reply = JSON.parse(line) as Reply;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    this.#hold(this.#waiting.size > 0);
    if (reply.error !== undefined) {
      const { code, message, field } = reply.error;
      waiting?.reject(new SimulatorError(code, message, { field }));
    } else {
      waiting?.resolve(reply.result ?? {});
    }
  }

  #end(reason: SimulatorError): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) {
      waiting.reject(this.#ended);
    }
    this.#waiting.clear();
  }

  #hold(busy: boolean): void {
    if (!this.#background) {
      return;
    }
    const pipes = [this.#child.stdin, this.#child.stdout] as unknown as { ref(): void; unref(): void }[];
    for (const handle of [this.#child, ...pipes]) {
      busy ? handle.ref() : handle.unref();
    }
  }
}
