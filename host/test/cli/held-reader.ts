// SPDX-License-Identifier: Apache-2.0
import { type OpenCard, openCard } from '../../cli/card/readers.ts';
import { concat } from '../../wire/hex.ts';
import { FramedCard } from '../transport/framed-card.ts';

const POWER_LINES = new Set([1, 2]);

/**
 * The card in the reader, held for many commands: to look for readers and to open a card costs two processes, which
 * nothing is learnt of by the thirtieth time. Whoever connects finds the card reset, as after opening it.
 */
export class HeldReader implements AsyncDisposable {
  readonly #open: OpenCard;
  readonly #relay: FramedCard;
  /** What the host gets in place of the card's answer. */
  told: (command: Uint8Array, answer: Uint8Array) => Uint8Array = (_command, answer) => answer;
  #turn: Promise<void> = Promise.resolve();

  private constructor(open: OpenCard, relay: FramedCard) {
    this.#open = open;
    this.#relay = relay;
    relay.atr = open.card.atr;
    relay.behaviour = (command) => {
      this.#turn = this.#turn.then(() => this.#pass(command));
      return 'silent';
    };
  }

  /** @param reader as `--reader` names it */
  static async open(reader: string): Promise<HeldReader> {
    return new HeldReader(await openCard(reader), await FramedCard.start(() => 'hang-up'));
  }

  get address(): string {
    return `tcp:127.0.0.1:${this.#relay.address.port}`;
  }

  async #pass(command: Uint8Array): Promise<void> {
    try {
      const { card } = this.#open;
      const powered = this.#relay.controls.splice(0).some((control) => POWER_LINES.has(control));
      if (powered) await card.reset();
      const answer = this.told(command, await card.transmit(command));
      this.#relay.inject(concat(Uint8Array.of(answer.length >> 8, answer.length & 0xff), answer));
    } catch {
      this.#relay.hangUp();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.#open[Symbol.asyncDispose]();
  }
}
