// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Answer = (apdu: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A card on vpcd, as vpicc speaks: it connects, then answers what vpcd sends. Only for the link's own tests. */
export class VpcdCard implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #asked = Promise.withResolvers<void>();
  readonly atr: Uint8Array;
  answer: Answer;

  private constructor(socket: Socket, atr: Uint8Array, answer: Answer) {
    this.#socket = socket;
    this.atr = atr;
    this.answer = answer;
    let buffer = Buffer.alloc(0);
    let last: Promise<void> = Promise.resolve();
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const payload = new Uint8Array(buffer.subarray(2, 2 + buffer.readUInt16BE(0)));
        buffer = buffer.subarray(2 + payload.length);
        // In turn: vpcd also asks whether the card is there while an APDU is on its way.
        last = last.then(() => this.#serve(payload));
      }
    });
  }

  /** Ends when the reader has asked this card for its ATR: until then it may still be at the card before. */
  static async insert(port: number, atr: Uint8Array, answer: Answer): Promise<VpcdCard> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const card = new VpcdCard(socket, atr, answer);
    await card.#asked.promise;
    return card;
  }

  async remove(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #serve(payload: Uint8Array): Promise<void> {
    if (payload.length === 1) {
      if (payload[0] !== 4) return;
      this.#send(this.atr);
      this.#asked.resolve();
      return;
    }
    const response = await this.answer(payload);
    if (!this.#socket.destroyed) this.#send(response);
  }

  #send(payload: Uint8Array): void {
    this.#socket.write(Buffer.concat([Buffer.from([payload.length >> 8, payload.length & 0xff]), payload]));
  }
}
