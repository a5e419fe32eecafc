// SPDX-License-Identifier: Apache-2.0
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
  /** What happens without a request: `reader` tells how a card and its slot of vpcd stand. */
  readonly event?: 'reader';
  readonly card?: number;
  readonly state?: ReaderState;
  readonly error?: { readonly code: SimulatorErrorCode; readonly message: string; readonly field?: string };
}

/**
 * How a card and its slot of vpcd stand: nobody listens there, another card is in it, or the reader talks to this one.
 */
export type ReaderState = 'no-reader' | 'slot-taken' | 'in-reader';

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: SimulatorError) => void;
}

/** Options of the process: the `java` command, and whether applets' uncaught exceptions are printed. */
export interface ProcessOptions {
  readonly java?: string | undefined;
  readonly trace?: boolean | undefined;
  /** Prints why a LOAD or an install() was refused, a line each, to standard error. */
  readonly reasons?: boolean | undefined;
  /** How many cards with a state folder stay in memory when nobody uses them; 64 when absent. */
  readonly awake?: number | undefined;
  /** Counts which source lines of applets run. */
  readonly coverage?: boolean | undefined;
  /** Counts where applets take memory and write. */
  readonly sites?: boolean | undefined;
  /** CAP files with a Debug component: code that comes by LOAD and is theirs has their lines. */
  readonly lines?: readonly string[] | undefined;
  /** Port on 127.0.0.1 where a Java debugger may attach. */
  readonly debugPort?: number | undefined;
  /** True: the process alone does not keep Node running, only an open request does. */
  readonly background?: boolean | undefined;
}

/** The JVM with the cards in it, and the JSON lines to and from it. */
export class SimulatorProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  readonly #background: boolean;
  readonly #readers = new Map<number, ReaderState>();
  readonly #readerListeners = new Map<number, (state: ReaderState) => void>();
  #lastId = 0;
  #ended: SimulatorError | undefined;

  constructor(options: ProcessOptions) {
    const jar = join(target, 'opentsm-simulator.jar');
    if (!existsSync(jar)) {
      throw new SimulatorError('not-built', `${jar} is missing: run "mvn package" in the repository first`);
    }
    const classPath = [jar, join(target, 'lib', '*'), appletClasses].join(delimiter);
    const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4', '-XX:-UsePerfData', '-Xshare:auto', '-Xss512k'];
    flags.push(...(process.env.OPENTSM_SIMULATOR_JVM ?? '').split(' ').filter((flag) => flag !== ''));
    if (options.trace ?? process.env.OPENTSM_SIMULATOR_TRACE === '1') {
      flags.push('-Dopentsm.trace=true');
    }
    if (options.reasons === true) {
      flags.push('-Dopentsm.reasons=true');
    }
    if (options.awake !== undefined) {
      flags.push(`-Dopentsm.awake=${options.awake}`);
    }
    if (options.coverage === true) {
      flags.push('-Dopentsm.coverage=true');
    }
    if (options.sites === true) {
      flags.push('-Dopentsm.sites=true');
    }
    if (options.lines !== undefined) {
      flags.push(`-Dopentsm.lines=${options.lines.map((file) => resolve(file)).join(delimiter)}`);
    }
    if (options.debugPort !== undefined) {
      flags.push(
        `-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:${options.debugPort}`,
      );
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

  /** Tells how a card stands in vpcd, now and from now on. */
  onReader(card: number, listener: (state: ReaderState) => void): void {
    this.#readerListeners.set(card, listener);
    const state = this.#readers.get(card);
    if (state !== undefined) {
      listener(state);
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #receive(line: string): void {
    const reply = JSON.parse(line) as Reply;
    if (reply.event === 'reader' && reply.card !== undefined && reply.state !== undefined) {
      this.#readers.set(reply.card, reply.state);
      this.#readerListeners.get(reply.card)?.(reply.state);
      return;
    }
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
