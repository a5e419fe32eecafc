// SPDX-License-Identifier: Apache-2.0
import { TransportError, TsmError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { exchange } from '../../transport/get-response.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { statusWordToHex } from '../../wire/status-word.ts';

/** What a list of APDUs came to: one response for each that was answered. */
export interface ListAnswer {
  readonly responses: readonly string[];
  /** Why the rest of the list was dropped. */
  readonly failure?: string;
  /** No card could be reached; absent where one was, and an APDU had no answer. */
  readonly status?: 'UNAVAILABLE_SE' | 'UNKNOWN_FAILURE';
}

/**
 * A card as an app has it through OMAPI: SELECT by name opens a channel, and without one nothing can be sent. Status
 * words are passed on, not looked at; 61xx and 6Cxx are the reader's affair.
 */
export class SeramCard {
  readonly #open: () => Promise<CardChannel>;
  #channel: CardChannel | undefined;
  #selected = false;
  /** This card has answered since it was connected. */
  #heard = false;

  /** @param open connects to the card, once it is needed */
  constructor(open: () => Promise<CardChannel>) {
    this.#open = open;
  }

  async transmit(commands: readonly string[]): Promise<ListAnswer> {
    const responses: string[] = [];
    try {
      for (const command of commands) {
        const isSelect = command.startsWith('00A404');
        if (!isSelect && !this.#selected) return { responses, failure: 'no channel to an application is open' };
        this.#channel ??= await this.#open();
        const { data, sw } = await exchange(this.#channel, fromHex(command, 261));
        this.#heard = true;
        const status = statusWordToHex(sw);
        if (isSelect) this.#selected = /^(9000|62|63)/.test(status);
        responses.push(toHex(data) + status);
      }
      return { responses };
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      const heard = this.#heard;
      await this.close();
      return { responses, failure: error.message, ...(heard ? {} : { status: statusOf(error) }) };
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    this.#selected = false;
    this.#heard = false;
    await channel?.close().catch(() => {});
  }
}

const statusOf = (error: TsmError) => (error instanceof TransportError ? 'UNAVAILABLE_SE' : 'UNKNOWN_FAILURE');
