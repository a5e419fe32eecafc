// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { CardChannel } from './card-channel.ts';
import { CardProcesses, type HoldingProcesses } from './pcsc/card-processes.ts';
import type { Report } from './pcsc/messages.ts';
import { WatchedReader } from './pcsc/watched-reader.ts';
import { WorkerProcess } from './pcsc/worker-process.ts';
import { ChangeListeners, type ReaderMonitor, type ReaderState } from './reader-monitor.ts';
import { TRANSPORT_CODE, transportError } from './transport-failure.ts';

const RETRY_MS = 500;

/**
 * Readers of PC/SC. Nothing of PC/SC runs in this process: one child watches all readers, and each card that is held
 * has a child of its own, so a card that is silent, or a driver that hangs, takes its own reader and no other.
 */
export class PcscMonitor implements ReaderMonitor {
  readonly #accept: (readerName: string) => boolean;
  readonly #readers = new Map<string, WatchedReader>();
  readonly #listeners = new ChangeListeners();
  readonly #processes: HoldingProcesses;
  readonly #many: boolean;
  #watcher: WorkerProcess;
  #closed = false;

  private constructor(accept: (readerName: string) => boolean, many: boolean) {
    this.#accept = accept;
    this.#many = many;
    this.#processes = many ? new CardProcesses() : this.#theWatcher();
    this.#watcher = this.#startWatcher();
  }

  /**
   * Starts watching; readers show up as they are found, also when pcscd starts later.
   *
   * @param accept which readers to take, by name; absent is all
   * @param many false where one card is held and no other beside it: the process that watches does that too
   * @throws TransportError `link-unavailable` when the add-on is not installed
   */
  static async start(accept: (readerName: string) => boolean = () => true, many = true): Promise<PcscMonitor> {
    const monitor = new PcscMonitor(accept, many);
    try {
      await monitor.#watcher.ask({ type: 'watch' });
    } catch (error) {
      await monitor.close();
      throw error;
    }
    void monitor.#keepWatching();
    return monitor;
  }

  get readers(): readonly ReaderState[] {
    return [...this.#readers.values()].map(({ state }) => state);
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async open(readerName: string): Promise<CardChannel> {
    const reader = this.#readers.get(readerName);
    if (reader === undefined)
      throw transportError(TRANSPORT_CODE.NO_READER, `No reader named ${readerName}`, { readerName });
    return reader.open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
    this.#watcher.kill();
    await Promise.all([this.#watcher.exited, this.#processes.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #startWatcher(): WorkerProcess {
    const file = this.#many ? './watch-process.ts' : './one-process.ts';
    return new WorkerProcess(file, (report) => this.#heard(report));
  }

  /** It ends with the watcher, and takes the card's place in it only. */
  #theWatcher(): HoldingProcesses {
    return { take: () => this.#watcher, giveBack: () => {}, close: async () => {} };
  }

  /** A watcher that ended takes its readers with it, until the next one has found them. */
  async #keepWatching(): Promise<void> {
    for (;;) {
      await this.#watcher.exited;
      if (this.#closed) return;
      for (const readerName of this.#readers.keys()) this.#heard({ type: 'removed', readerName });
      await delay(RETRY_MS);
      if (this.#closed) return;
      this.#watcher = this.#startWatcher();
      this.#watcher.ask({ type: 'watch' }).catch(() => undefined);
    }
  }

  #heard(report: Report): void {
    const { readerName } = report;
    if (this.#closed || !this.#accept(readerName)) return;
    if (report.type === 'added') {
      const isInUse = () => this.#watcher.ask({ type: 'inUse', readerName });
      this.#readers.set(readerName, new WatchedReader(readerName, this.#processes, isInUse));
    }
    if (report.type === 'removed') {
      void this.#readers.get(readerName)?.close();
      this.#readers.delete(readerName);
    }
    if (report.type !== 'status' || this.#readers.get(readerName)?.report(report.bits, report.atr) === true)
      this.#listeners.notify();
  }
}
