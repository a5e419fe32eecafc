// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TRANSPORT_CODE, transportError } from '../transport-failure.ts';
import { type AnswerMessage, type Answers, type Report, type Request, type RequestMessage, told } from './messages.ts';

const PING_MS = 5_000;
/** A process that lets so many pings in a row wait hangs: its event loop never waits for a card. */
const MAX_SILENT_PINGS = 4;

type Asked<Type> = Extract<Request, { readonly type: Type }>;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A child process that works for this one, one message for a question and one for its answer. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ping: NodeJS.Timeout;
  /** Settles when the process is gone. */
  readonly exited: Promise<void>;
  #lastId = 0;
  #silentPings = 0;
  #gone = false;

  /** @param file a module beside this one, which calls `serve` */
  constructor(file: `${string}.ts`, onReport: (report: Report) => void = () => {}) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.#child.on('message', (message: AnswerMessage) => {
      this.#silentPings = 0;
      if ('report' in message) onReport(message.report);
      else this.#settle(message);
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.once('error', () => resolve());
    });
    void this.exited.then(() => this.#end());
    this.#ping = setInterval(() => this.#check(), PING_MS).unref();
  }

  get isAlive(): boolean {
    return !this.#gone;
  }

  /**
   * Asks and waits, however long it takes.
   *
   * @throws TransportError, WireError what the process answered, or `link-lost` when it ended
   */
  async ask<Type extends keyof Answers>(request: Asked<Type> & { readonly type: Type }): Promise<Answers[Type]> {
    if (this.#gone) throw processEnded();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const message: RequestMessage = { id, request };
    // A send that fails is followed by the exit.
    this.#child.send(message, () => undefined);
    // The child answers each type with its own: messages.ts.
    return (await answer) as Answers[Type];
  }

  /** Ends the process at once; what it held in PC/SC is given back by pcscd. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #settle(message: Exclude<AnswerMessage, { readonly report: Report }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('failure' in message) waiting?.reject(told(message.failure));
    else waiting?.resolve(message.answer);
  }

  #check(): void {
    this.#silentPings += 1;
    if (this.#silentPings > MAX_SILENT_PINGS) this.kill();
    else this.ask({ type: 'ping' }).catch(() => undefined);
  }

  #end(): void {
    this.#gone = true;
    clearInterval(this.#ping);
    for (const { reject } of this.#waiting.values()) reject(processEnded());
    this.#waiting.clear();
  }
}

const processEnded = () => transportError(TRANSPORT_CODE.LINK_LOST, 'The process that served the reader ended');
