import { setTimeout as delay } from 'node:timers/promises';
import type { CardChannel } from './card-channel.ts';
import { loadPcsc, type PcscContext, type PcscReader, SCARD } from './pcsc-binding.ts';
import { PcscChannel } from './pcsc-channel.ts';
import { ChangeListeners, nextInsertion, type ReaderMonitor, type ReaderState } from './reader-monitor.ts';
import { TRANSPORT_CODE, transportError } from './transport-failure.ts';

const RETRY_MS = 500;
/** How long the "in use" report of a reader may lag behind the connection. */
const SETTLE_MS = 300;

interface WatchedReader {
  readonly handle: PcscReader;
  state: ReaderState;
  /** Event count of the reader: tells two insertions apart that came between two reports. */
  events: number;
  inUse: boolean;
  lent: boolean;
  channel: PcscChannel | undefined;
  readonly onStatus: ChangeListeners;
}

/**
 * Readers of PC/SC. A context that fails, as after a restart of pcscd, is given up with all its readers
 * and made anew.
 *
 * Two traps of the add-on shape this file. It holds a reader's lock while it calls our listeners, so
 * nothing is closed inside one. And it takes that lock on the event loop for each status report, while
 * a transmit holds it: so a channel is not used before the report that it is in use has come.
 */
export class PcscMonitor implements ReaderMonitor {
  readonly #create: () => PcscContext;
  readonly #accept: (readerName: string) => boolean;
  readonly #readers = new Map<string, WatchedReader>();
  readonly #listeners = new ChangeListeners();
  readonly #abort = new AbortController();
  #giveUp: (() => void) | undefined;
  readonly #running: Promise<void>;

  private constructor(create: () => PcscContext, accept: (readerName: string) => boolean) {
    this.#create = create;
    this.#accept = accept;
    this.#running = this.#run();
  }

  /**
   * Starts watching; readers show up as they are found, also when pcscd starts later.
   *
   * @param accept which readers to take, by name; absent is all
   * @throws TransportError `link-unavailable` when the add-on is not installed
   */
  static async start(accept: (readerName: string) => boolean = () => true): Promise<PcscMonitor> {
    return new PcscMonitor(await loadPcsc(), accept);
  }

  get readers(): readonly ReaderState[] {
    return [...this.#readers.values()].map((reader) => reader.state);
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async open(readerName: string): Promise<CardChannel> {
    const reader = this.#readers.get(readerName);
    if (reader === undefined)
      throw transportError(TRANSPORT_CODE.NO_READER, `No reader named ${readerName}`, { readerName });
    if (!reader.state.cardPresent)
      throw transportError(TRANSPORT_CODE.NO_CARD, `No card in ${readerName}`, { readerName });
    if (reader.lent) throw transportError(TRANSPORT_CODE.UNAVAILABLE, `${readerName} is in use`, { readerName });
    reader.lent = true;
    try {
      reader.channel = await PcscChannel.open({
        reader: reader.handle,
        atr: () => reader.state.atr,
        settled: () => this.#whenInUse(reader),
        onClose: (clean) => {
          reader.lent = false;
          reader.channel = undefined;
          if (!clean) this.#giveUp?.();
        },
      });
      return reader.channel;
    } catch (error) {
      reader.lent = false;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#giveUp?.();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      await this.#watchOneContext().catch(() => undefined);
      await delay(RETRY_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
    }
  }

  /** One life of a context, from its creation to its failure or our end. */
  async #watchOneContext(): Promise<void> {
    const context = this.#create();
    const handles = new Set<PcscReader>();
    await new Promise<void>((resolve) => {
      this.#giveUp = resolve;
      context.on('error', () => resolve());
      context.on('reader', (handle: PcscReader) => {
        handles.add(handle);
        handle.on('error', () => setImmediate(resolve));
        handle.on('end', () => setImmediate(() => this.#forget(handle)));
        if (this.#accept(handle.name)) this.#watch(handle);
      });
    });
    this.#giveUp = undefined;
    await Promise.all([...this.#readers.values()].map(({ channel }) => channel?.close()));
    // Out of every listener before anything is closed; each reader before the context, or the process hangs.
    await new Promise((resolve) => setImmediate(resolve));
    for (const handle of handles) {
      this.#forget(handle);
      handle.close();
    }
    context.close();
  }

  #watch(handle: PcscReader): void {
    const state: ReaderState = {
      readerName: handle.name,
      link: 'pcsc',
      cardPresent: false,
      atr: new Uint8Array(),
      insertion: nextInsertion(),
    };
    const reader: WatchedReader = {
      handle,
      state,
      events: -1,
      inUse: false,
      lent: false,
      channel: undefined,
      onStatus: new ChangeListeners(),
    };
    this.#readers.set(handle.name, reader);
    handle.on('status', ({ state: bits, atr }: { state: number; atr?: Buffer }) =>
      this.#report(reader, bits, new Uint8Array(atr ?? [])),
    );
    this.#listeners.notify();
  }

  #report(reader: WatchedReader, bits: number, atr: Uint8Array): void {
    const cardPresent = (bits & SCARD.STATE_PRESENT) !== 0 && (bits & SCARD.STATE_MUTE) === 0 && atr.length > 0;
    const events = bits >>> 16;
    reader.inUse = (bits & (SCARD.STATE_INUSE | SCARD.STATE_EXCLUSIVE)) !== 0;
    const changed = cardPresent !== reader.state.cardPresent || (cardPresent && events !== reader.events);
    reader.events = events;
    if (changed) {
      reader.state = {
        ...reader.state,
        cardPresent,
        atr: cardPresent ? atr : new Uint8Array(),
        insertion: nextInsertion(),
      };
      this.#listeners.notify();
    }
    reader.onStatus.notify();
  }

  #forget(handle: PcscReader): void {
    if (this.#readers.get(handle.name)?.handle !== handle) return;
    this.#readers.delete(handle.name);
    this.#listeners.notify();
  }

  #whenInUse(reader: WatchedReader): Promise<void> {
    if (reader.inUse) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, SETTLE_MS);
      const stop = reader.onStatus.add(() => {
        if (reader.inUse) done();
      });
    });
  }
}
