// SPDX-License-Identifier: Apache-2.0
import { WorkerProcess } from './worker-process.ts';

/** Where processes that hold cards come from. */
export interface HoldingProcesses {
  take(): WorkerProcess;
  /** For a process that has given its card back without any failure; all others are killed. */
  giveBack(process: WorkerProcess): void;
  close(): Promise<void>;
}

/** One for each card that is held, and one that waits for the next. */
export class CardProcesses implements HoldingProcesses {
  readonly #idle: WorkerProcess[] = [];
  readonly #all = new Set<WorkerProcess>();
  #closed = false;

  constructor() {
    this.#prepare();
  }

  take(): WorkerProcess {
    const taken = this.#idle.pop() ?? this.#start();
    // Starting takes longer than most scripts.
    setImmediate(() => this.#prepare());
    return taken;
  }

  giveBack(process: WorkerProcess): void {
    if (this.#closed || !process.isAlive) process.kill();
    else this.#idle.push(process);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#all];
    for (const process of all) process.kill();
    await Promise.all(all.map(({ exited }) => exited));
  }

  #prepare(): void {
    if (!this.#closed && this.#idle.length === 0) this.#idle.push(this.#start());
  }

  #start(): WorkerProcess {
    const started = new WorkerProcess('./card-process.ts');
    this.#all.add(started);
    void started.exited.then(() => {
      this.#all.delete(started);
      const position = this.#idle.indexOf(started);
      if (position >= 0) this.#idle.splice(position, 1);
    });
    return started;
  }
}
