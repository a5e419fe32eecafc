// SPDX-License-Identifier: Apache-2.0
import type { CardChannel } from './card-channel.ts';
import { CONTROL, FrameLink } from './frame-link.ts';
import { DEFAULT_TIMEOUT_MS, TRANSPORT_CODE, Turnstile, transportError, withTimeout } from './transport-failure.ts';

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Powers the card up and asks for its ATR. @throws TransportError `card-absent` when there is none */
async function powerUp(link: FrameLink, control: number, timeoutMs = 5_000): Promise<Uint8Array> {
  link.send(Uint8Array.of(control));
  const atr = await withTimeout(link.ask(Uint8Array.of(CONTROL.GET_ATR)), timeoutMs, () => link.destroy());
  if (atr.length === 0) throw transportError(TRANSPORT_CODE.NO_CARD, 'The link answers, but there is no card');
  return atr;
}

/** A simulated card over the direct link (simulator/README.md, Links): no reader, no PC/SC. */
export class TcpChannel implements CardChannel {
  readonly #link: FrameLink;
  readonly #turns = new Turnstile();
  #atr: Uint8Array;
  #ended: Promise<void> | undefined;

  private constructor(link: FrameLink, atr: Uint8Array) {
    this.#link = link;
    this.#atr = atr;
  }

  /** Connects and powers the card up. @throws TransportError */
  static async open(address: TcpAddress): Promise<TcpChannel> {
    const link = await FrameLink.open(address.host, address.port);
    try {
      return new TcpChannel(link, await powerUp(link, CONTROL.POWER_ON));
    } catch (error) {
      link.destroy();
      throw error;
    }
  }

  get atr(): Uint8Array {
    return this.#atr;
  }

  /** Settles when the card side or we have closed the link. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }

  transmit(command: Uint8Array, options: { readonly timeoutMs?: number } = {}): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      if (command.length < 4) throw transportError(TRANSPORT_CODE.PROTOCOL, 'Shorter than a command APDU');
      const answer = this.#link.ask(command);
      const response = await withTimeout(answer, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => this.#link.destroy());
      if (response.length < 2) {
        this.#link.destroy();
        throw transportError(TRANSPORT_CODE.REMOVED, 'The card gave no answer: removed or without power');
      }
      return response;
    });
  }

  reset(): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      this.#atr = await powerUp(this.#link, CONTROL.RESET);
      return this.#atr;
    });
  }

  close(): Promise<void> {
    this.#ended ??= this.#powerDown();
    return this.#ended;
  }

  async #powerDown(): Promise<void> {
    if (this.#link.isOpen) this.#link.send(Uint8Array.of(CONTROL.POWER_OFF));
    await this.#link.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
