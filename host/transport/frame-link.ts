// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { concat } from '../wire/hex.ts';
import { TRANSPORT_CODE, transportError } from './transport-failure.ts';

/** Control codes: a frame with a payload of one byte (simulator/README.md, Links). */
export const CONTROL = { POWER_OFF: 0x00, POWER_ON: 0x01, RESET: 0x02, GET_ATR: 0x04 } as const;

/** Largest frame that a card may send: more than any short response or ATR. */
const MAX_FRAME = 1024;

type Waiter = { resolve: (frame: Uint8Array) => void; reject: (error: Error) => void };

/** Two-byte length and payload over TCP; answers come in the order of the questions. */
export class FrameLink {
  readonly #socket: Socket;
  #buffer: Uint8Array = new Uint8Array();
  readonly #waiters: Waiter[] = [];
  #failure: Error | undefined;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) =>
      this.#fail(transportError(TRANSPORT_CODE.LINK_LOST, 'Link to the card broke', {}, error)),
    );
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail(transportError(TRANSPORT_CODE.LINK_LOST, 'The card side closed the link'));
        resolve();
      });
    });
  }

  /** @throws TransportError when nobody listens there or after `timeoutMs` */
  static open(host: string, port: number, timeoutMs = 5_000): Promise<FrameLink> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const refuse = (cause?: unknown): void => {
        socket.destroy();
        reject(transportError(TRANSPORT_CODE.UNAVAILABLE, `No card link at ${host}:${port}`, { host, port }, cause));
      };
      const timer = setTimeout(refuse, timeoutMs);
      socket.once('error', refuse);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', refuse);
        resolve(new FrameLink(socket));
      });
      socket.once('close', () => clearTimeout(timer));
    });
  }

  /** Settles when the link is gone, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Sends one frame that gets no answer. @throws TransportError */
  send(payload: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.write(concat(Uint8Array.of(payload.length >> 8, payload.length & 0xff), payload));
  }

  /** Sends one frame and waits for its answer. @throws TransportError */
  ask(payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      try {
        this.send(payload);
      } catch (error) {
        reject(error);
        return;
      }
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Drops the link at once: answers on the way are lost. */
  destroy(): void {
    this.#fail(transportError(TRANSPORT_CODE.CLOSED, 'The link was closed'));
    this.#socket.destroy();
  }

  /** Sends what waits, then closes. */
  async end(): Promise<void> {
    this.#fail(transportError(TRANSPORT_CODE.CLOSED, 'The link was closed'));
    this.#socket.end(() => this.#socket.destroy());
    await this.#closed;
  }

  #receive(chunk: Uint8Array): void {
    this.#buffer = concat(this.#buffer, chunk);
    for (;;) {
      const [high, low] = this.#buffer;
      if (high === undefined || low === undefined) return;
      const length = (high << 8) | low;
      if (length > MAX_FRAME) {
        this.#abort(`Frame of ${length} bytes`);
        return;
      }
      if (this.#buffer.length < 2 + length) return;
      const frame = this.#buffer.slice(2, 2 + length);
      this.#buffer = this.#buffer.slice(2 + length);
      const waiter = this.#waiters.shift();
      if (waiter === undefined) {
        this.#abort('Answer without a question');
        return;
      }
      waiter.resolve(frame);
    }
  }

  #abort(message: string): void {
    this.#fail(transportError(TRANSPORT_CODE.PROTOCOL, message));
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
