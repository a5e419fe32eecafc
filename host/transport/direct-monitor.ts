// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { CardChannel } from './card-channel.ts';
import { ChangeListeners, nextInsertion, type ReaderMonitor, type ReaderState } from './reader-monitor.ts';
import { type TcpAddress, TcpChannel } from './tcp.ts';
import { TRANSPORT_CODE, transportError } from './transport-failure.ts';

const RETRY_MS = { first: 100, longest: 2_000 };

interface DirectReader {
  state: ReaderState;
  readonly address: TcpAddress;
  channel: TcpChannel | undefined;
  lent: boolean;
}

/** A lent channel: closing it gives the card back, reset, and keeps the link that watches it. */
class LentChannel implements CardChannel {
  readonly #inner: TcpChannel;
  readonly #giveBack: () => Promise<void>;
  #back: Promise<void> | undefined;

  constructor(inner: TcpChannel, giveBack: () => Promise<void>) {
    this.#inner = inner;
    this.#giveBack = giveBack;
  }

  get atr(): Uint8Array {
    return this.#inner.atr;
  }

  async transmit(command: Uint8Array, options?: { readonly timeoutMs?: number }): Promise<Uint8Array> {
    if (this.#back !== undefined) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    return this.#inner.transmit(command, options);
  }

  async reset(): Promise<Uint8Array> {
    if (this.#back !== undefined) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    return this.#inner.reset();
  }

  close(): Promise<void> {
    this.#back ??= this.#giveBack();
    return this.#back;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Readers that are TCP addresses: a card is present while its link is up. */
export class DirectMonitor implements ReaderMonitor {
  readonly #readers: DirectReader[];
  readonly #listeners = new ChangeListeners();
  readonly #abort = new AbortController();
  readonly #watching: Promise<void>[];

  /** @param addresses reader name and where its card listens */
  constructor(addresses: Readonly<Record<string, TcpAddress>>) {
    this.#readers = Object.entries(addresses).map(([readerName, address]) => ({
      address,
      channel: undefined,
      lent: false,
      state: { readerName, link: 'direct', cardPresent: false, atr: new Uint8Array(), insertion: nextInsertion() },
    }));
    this.#watching = this.#readers.map((reader) => this.#watch(reader));
  }

  get readers(): readonly ReaderState[] {
    return this.#readers.map((reader) => reader.state);
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async open(readerName: string): Promise<CardChannel> {
    const reader = this.#readers.find((candidate) => candidate.state.readerName === readerName);
    if (reader === undefined)
      throw transportError(TRANSPORT_CODE.NO_READER, `No reader named ${readerName}`, { readerName });
    const { channel } = reader;
    if (channel === undefined) throw transportError(TRANSPORT_CODE.NO_CARD, `No card in ${readerName}`, { readerName });
    if (reader.lent) throw transportError(TRANSPORT_CODE.UNAVAILABLE, `${readerName} is in use`, { readerName });
    reader.lent = true;
    return new LentChannel(channel, async () => {
      // Sessions must not leak from one owner to the next, so the card is reset between them.
      await channel.reset().catch(() => undefined);
      if (reader.channel === channel) reader.lent = false;
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#readers.map(async (reader) => reader.channel?.close()));
    await Promise.all(this.#watching);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #watch(reader: DirectReader): Promise<void> {
    let wait = RETRY_MS.first;
    while (!this.#abort.signal.aborted) {
      const channel = await TcpChannel.open(reader.address).catch(() => undefined);
      if (channel !== undefined) {
        wait = RETRY_MS.first;
        await this.#present(reader, channel);
      }
      await delay(wait, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      wait = Math.min(wait * 2, RETRY_MS.longest);
    }
  }

  async #present(reader: DirectReader, channel: TcpChannel): Promise<void> {
    if (this.#abort.signal.aborted) return channel.close();
    reader.channel = channel;
    reader.lent = false;
    reader.state = { ...reader.state, cardPresent: true, atr: channel.atr, insertion: nextInsertion() };
    this.#listeners.notify();
    await channel.closed;
    reader.channel = undefined;
    reader.state = { ...reader.state, cardPresent: false, atr: new Uint8Array(), insertion: nextInsertion() };
    this.#listeners.notify();
  }
}
