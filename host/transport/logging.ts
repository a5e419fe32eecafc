// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../wire/hex.ts';
import type { CardChannel } from './card-channel.ts';

/** One exchange as it went over the link. */
export interface ExchangeRecord {
  readonly command: string;
  /** Absent when the link failed. */
  readonly response?: string;
  readonly ms: number;
}

/** A channel that tells `sink` about every exchange; a failing sink does not disturb the card. */
export class LoggingChannel implements CardChannel {
  readonly #inner: CardChannel;
  readonly #sink: (record: ExchangeRecord) => void;

  constructor(inner: CardChannel, sink: (record: ExchangeRecord) => void) {
    this.#inner = inner;
    this.#sink = sink;
  }

  get atr(): Uint8Array {
    return this.#inner.atr;
  }

  async transmit(command: Uint8Array, options?: { readonly timeoutMs?: number }): Promise<Uint8Array> {
    const start = performance.now();
    const record = { command: toHex(command) };
    try {
      const response = await this.#inner.transmit(command, options);
      this.#tell({ ...record, response: toHex(response), ms: performance.now() - start });
      return response;
    } catch (error) {
      this.#tell({ ...record, ms: performance.now() - start });
      throw error;
    }
  }

  reset(): Promise<Uint8Array> {
    return this.#inner.reset();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.close();
  }

  #tell(record: ExchangeRecord): void {
    try {
      this.#sink(record);
    } catch {
      // The log is not worth a half-done command on the card.
    }
  }
}
