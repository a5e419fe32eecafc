// SPDX-License-Identifier: Apache-2.0
import type { CardChannel } from '../card-channel.ts';
import { nextInsertion, type ReaderState } from '../reader-monitor.ts';
import { TRANSPORT_CODE, transportError } from '../transport-failure.ts';
import { SCARD } from './binding.ts';
import type { HoldingProcesses } from './card-processes.ts';
import { PcscChannel } from './pcsc-channel.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Connecting takes no longer, or the card is silent. */
const CONNECT_MS = 20_000;
/** Nor does it wait longer for another program that keeps the reader to itself. */
const IN_USE_MS = 3_000;
/** A command may be over by itself once the card is gone: longer than drivers take to see that. */
const AFTER_REMOVAL_MS = 2_000;

/** Who has the card, or keeps us from it. */
interface Holder {
  readonly process: WorkerProcess;
  channel: PcscChannel | undefined;
  /** Set when nobody waits any more for what still runs in the process. */
  abandoned: 'silent-card' | 'other-program' | undefined;
}

/** One reader: what PC/SC reports of it, and the process that holds its card. */
export class WatchedReader {
  readonly #processes: HoldingProcesses;
  readonly #isInUse: () => Promise<boolean>;
  #state: ReaderState;
  /** Event count of the reader: tells two insertions apart that came between two reports. */
  #events = -1;
  #holder: Holder | undefined;

  /** @param isInUse asks PC/SC whether anybody holds the card in this reader */
  constructor(readerName: string, processes: HoldingProcesses, isInUse: () => Promise<boolean>) {
    this.#processes = processes;
    this.#isInUse = isInUse;
    this.#state = {
      readerName,
      link: 'pcsc',
      cardPresent: false,
      atr: new Uint8Array(),
      insertion: nextInsertion(),
    };
  }

  get state(): ReaderState {
    return this.#state;
  }

  /** Takes a status report; true when card or insertion changed. */
  report(bits: number, atr: Uint8Array): boolean {
    const cardPresent = (bits & SCARD.STATE_PRESENT) !== 0 && (bits & SCARD.STATE_MUTE) === 0 && atr.length > 0;
    const events = bits >>> 16;
    const changed = cardPresent !== this.#state.cardPresent || (cardPresent && events !== this.#events);
    this.#events = events;
    if (!changed) return false;
    this.#state = {
      ...this.#state,
      cardPresent,
      atr: cardPresent ? atr : new Uint8Array(),
      insertion: nextInsertion(),
    };
    const holder = this.#holder;
    // The silent card has left: what waits for it in a driver that did not notice ends with its process.
    if (holder?.abandoned === 'silent-card') setTimeout(() => holder.process.kill(), AFTER_REMOVAL_MS).unref();
    return true;
  }

  /** @throws TransportError */
  async open(): Promise<CardChannel> {
    const { readerName, cardPresent } = this.#state;
    if (!cardPresent) throw transportError(TRANSPORT_CODE.NO_CARD, `No card in ${readerName}`, { readerName });
    if (this.#holder !== undefined) throw this.#refusal(this.#holder.abandoned);
    const process = this.#processes.take();
    const holder: Holder = { process, channel: undefined, abandoned: undefined };
    this.#holder = holder;
    const opened = process.ask({ type: 'open', readerName });
    try {
      await this.#withinReason(opened, holder);
    } catch (error) {
      if (holder.abandoned === undefined) this.#free(holder, false);
      else this.#freeAfter(opened, holder);
      throw error;
    }
    holder.channel = new PcscChannel({
      process,
      atr: () => this.#state.atr,
      onClosed: (clean) => this.#free(holder, clean),
      onSilent: () => {
        holder.abandoned = 'silent-card';
      },
    });
    return holder.channel;
  }

  /** Gives the card back, and does without what a silent card still owes. */
  async close(): Promise<void> {
    const holder = this.#holder;
    await holder?.channel?.close();
    if (holder !== undefined && this.#holder === holder) holder.process.kill();
  }

  /** Waits for a connection as long as one may take. @throws TransportError */
  async #withinReason(opened: Promise<unknown>, holder: Holder): Promise<void> {
    const timers: NodeJS.Timeout[] = [];
    const limits = new Promise<never>((_, reject) => {
      const giveUp = (reason: NonNullable<Holder['abandoned']>): void => {
        holder.abandoned = reason;
        reject(this.#refusal(reason));
      };
      const ifInUse = () =>
        this.#isInUse().then(
          (inUse) => inUse && giveUp('other-program'),
          () => undefined,
        );
      timers.push(
        setTimeout(ifInUse, IN_USE_MS),
        setTimeout(() => giveUp('silent-card'), CONNECT_MS),
      );
    });
    try {
      await Promise.race([opened, limits]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Nobody waits any more: when PC/SC connects after all, the card goes back at once. */
  #freeAfter(opened: Promise<unknown>, holder: Holder): void {
    opened
      .then(() => holder.process.ask({ type: 'close' }))
      .catch(() => undefined)
      .then(() => this.#free(holder, false));
  }

  #free(holder: Holder, clean: boolean): void {
    if (clean) this.#processes.giveBack(holder.process);
    else holder.process.kill();
    if (this.#holder === holder) this.#holder = undefined;
  }

  #refusal(abandoned: Holder['abandoned']) {
    const { readerName } = this.#state;
    if (abandoned === 'silent-card') {
      const message = `The card in ${readerName} did not answer: wait until it does, or take it out`;
      return transportError(TRANSPORT_CODE.TIMEOUT, message, { readerName });
    }
    const message =
      abandoned === 'other-program'
        ? `${readerName} is in use by another program, which keeps the card to itself: close it`
        : `${readerName} is in use here already`;
    return transportError(TRANSPORT_CODE.IN_USE, message, { readerName });
  }
}
