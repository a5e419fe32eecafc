// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What the card side does with one frame: an answer, nothing, or the end of the link. */
export type Behaviour = (payload: Uint8Array) => Uint8Array | 'silent' | 'hang-up';

const ATR = Uint8Array.of(0x3b, 0x00);

/** A card with the direct link's framing whose faults a test chooses; control codes work as the simulator's. */
export class FramedCard implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly controls: number[] = [];
  behaviour: Behaviour;
  atr: Uint8Array = ATR;

  private constructor(server: Server, behaviour: Behaviour) {
    this.#server = server;
    this.behaviour = behaviour;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** @param port default one that is free */
  static async start(behaviour: Behaviour, port = 0): Promise<FramedCard> {
    const server = createServer();
    const card = new FramedCard(server, behaviour);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return card;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Sends raw bytes to everybody, framed or not. */
  inject(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** Settles when the host has left and all that it sent is seen. */
  async disconnected(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => once(socket, 'close')));
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const payload = new Uint8Array(buffer.subarray(2, 2 + buffer.readUInt16BE(0)));
        buffer = buffer.subarray(2 + payload.length);
        this.#answer(socket, payload);
      }
    });
  }

  #answer(socket: Socket, payload: Uint8Array): void {
    const control = payload[0];
    if (payload.length === 1 && control !== undefined) {
      this.controls.push(control);
      if (control === 4) this.#send(socket, this.atr);
      return;
    }
    const answer = this.behaviour(payload);
    if (answer === 'hang-up') socket.destroy();
    else if (answer !== 'silent') this.#send(socket, answer);
  }

  /** In two writes, one byte late: a reader that trusts chunk borders fails. */
  #send(socket: Socket, payload: Uint8Array): void {
    const frame = Buffer.concat([Buffer.from([payload.length >> 8, payload.length & 0xff]), payload]);
    socket.write(frame.subarray(0, 1));
    socket.write(frame.subarray(1));
  }
}

/** The TransportError (or other error) that `work` ends in. */
export async function failure(work: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not fail');
}
