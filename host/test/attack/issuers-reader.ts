// SPDX-License-Identifier: Apache-2.0
import type { SimulatedCard } from '../../../simulator/src/index.ts';
import { freePort } from '../../local/free-port.ts';
import { concat } from '../../wire/hex.ts';
import { FramedCard } from '../transport/framed-card.ts';

const POWER_LINES = new Set([1, 2]);

/** A reader of the terminal that stands at the issuer's: it sees each command, and has the card to itself before. */
export class IssuersReader implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Done before the card gets this command; an answer stands for the card's, which does not get it then. */
  before: (command: Uint8Array) => Promise<Uint8Array | undefined> = async () => undefined;
  #relay: FramedCard | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  /** Nobody listens at its port until there is a card in it. */
  static async reserve(name: string): Promise<IssuersReader> {
    return new IssuersReader(name, await freePort());
  }

  async insert(card: SimulatedCard): Promise<void> {
    await card.power('on');
    const relay = await FramedCard.start((command) => {
      this.#turn = this.#turn.then(() => this.#pass(relay, card, command));
      return 'silent';
    }, this.port);
    relay.atr = card.atr;
    this.#relay = relay;
  }

  async #pass(relay: FramedCard, card: SimulatedCard, command: Uint8Array): Promise<void> {
    try {
      if (relay.controls.splice(0).some((control) => POWER_LINES.has(control))) await card.reset();
      const answer = (await this.before(command)) ?? (await card.transmit(command));
      relay.inject(concat(Uint8Array.of(answer.length >> 8, answer.length & 0xff), answer));
    } catch {
      relay.hangUp();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]();
  }
}
