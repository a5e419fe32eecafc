// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex } from '../wire/hex.ts';
import type { CardChannel } from './card-channel.ts';
import type { ExchangeRecord } from './logging.ts';
import { TRANSPORT_CODE, transportError } from './transport-failure.ts';

/** Answers from a recording, in its order; a command that was not recorded at this place fails. */
export class ReplayChannel implements CardChannel {
  readonly atr: Uint8Array;
  readonly #records: readonly Pick<ExchangeRecord, 'command' | 'response'>[];
  #next = 0;
  #closed = false;

  constructor(records: readonly Pick<ExchangeRecord, 'command' | 'response'>[], atr = new Uint8Array()) {
    this.#records = records;
    this.atr = atr;
  }

  /** How many recorded exchanges were not asked for. */
  get remaining(): number {
    return this.#records.length - this.#next;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    const record = this.#records[this.#next];
    if (record === undefined || record.command !== toHex(command)) {
      throw transportError(TRANSPORT_CODE.PROTOCOL, 'Not the recorded command', {
        index: this.#next,
        got: toHex(command.slice(0, 5)),
      });
    }
    this.#next += 1;
    if (record.response === undefined) throw transportError(TRANSPORT_CODE.REMOVED, 'The recording ends the link here');
    return fromHex(record.response, 258);
  }

  async reset(): Promise<Uint8Array> {
    return this.atr;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
