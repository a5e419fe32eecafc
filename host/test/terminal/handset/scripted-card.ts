// SPDX-License-Identifier: Apache-2.0
import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { CardChannel } from '../../../transport/card-channel.ts';
import { decodeCommand } from '../../../wire/apdu.ts';
import { concat, fromHex } from '../../../wire/hex.ts';
import { BEARER, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { type AnyCatObject, catObject, findValue } from '../../../wire/uicc/cat-object.ts';
import { decodeEventDownload, EVENT } from '../../../wire/uicc/event-download.ts';
import {
  DEVICE,
  encodeProactiveCommand,
  PROACTIVE_COMMANDS,
  type ProactiveName,
} from '../../../wire/uicc/proactive-command.ts';
import { decodeTerminalResponse, type TerminalResponse } from '../../../wire/uicc/terminal-response.ts';

/** A UICC that a test plays: it asks what the test has queued, and keeps what it was told. */

const INS = { PROFILE: 0x10, FETCH: 0x12, RESPONSE: 0x14, GET_RESPONSE: 0xc0, ENVELOPE: 0xc2 } as const;

interface Asked {
  readonly bytes: Uint8Array;
  readonly answered: (response: TerminalResponse) => void;
}

export class ScriptedCard implements CardChannel {
  readonly atr = fromHex('3B00');
  /** Every command that came, oldest first. */
  readonly received: Uint8Array[] = [];
  readonly #queue: Asked[] = [];
  #fetched: Asked | undefined;
  #left: Uint8Array = new Uint8Array();
  #number = 0;
  /** Waits a little for what the card's own software has to say to a command. */
  thinkMs = 0;
  /** Envelopes that are answered with 9300. */
  busy = 0;
  onEvent: (event: ReturnType<typeof decodeEventDownload>) => void = () => {};

  /** Queues a command; resolves with the terminal's response. */
  ask(
    name: ProactiveName,
    objects: readonly AnyCatObject[] = [],
    more: { readonly qualifier?: number; readonly destination?: number } = {},
  ): Promise<TerminalResponse> {
    this.#number = (this.#number % 254) + 1;
    const { qualifier = 0, destination = DEVICE.TERMINAL } = more;
    const { type } = PROACTIVE_COMMANDS[name];
    const bytes = encodeProactiveCommand({
      number: this.#number,
      type,
      qualifier,
      source: DEVICE.CARD,
      destination,
      objects,
    });
    return this.askBytes(bytes);
  }

  /** The same with bytes that may be no command at all. */
  askBytes(bytes: Uint8Array): Promise<TerminalResponse> {
    return new Promise((resolve) => {
      this.#queue.push({ bytes, answered: resolve });
    });
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    this.received.push(command);
    const { ins, data } = decodeCommand(command);
    if (ins === INS.FETCH) {
      this.#fetched = this.#queue.shift();
      this.#left = this.#fetched?.bytes ?? new Uint8Array();
      return this.#piece();
    }
    if (ins === INS.GET_RESPONSE) return this.#piece();
    if (ins === INS.ENVELOPE && this.busy > 0) {
      this.busy -= 1;
      return Uint8Array.of(0x93, 0);
    }
    if (ins === INS.RESPONSE) this.#fetched?.answered(decodeTerminalResponse(data));
    if (ins === INS.ENVELOPE && data[0] === 0xd6) this.onEvent(decodeEventDownload(data));
    if (this.thinkMs > 0 && this.#queue.length === 0) await pause(this.thinkMs);
    const next = this.#queue[0];
    return next === undefined ? Uint8Array.of(0x90, 0) : Uint8Array.of(0x91, next.bytes.length & 0xff);
  }

  /** As much as one answer has room for, and how much is left. */
  #piece(): Uint8Array {
    const piece = this.#left.slice(0, 256);
    this.#left = this.#left.slice(piece.length);
    const [more, length] = [this.#left.length > 0, Math.min(256, this.#left.length)];
    return concat(piece, Uint8Array.of(more ? 0x61 : 0x90, length & 0xff));
  }

  async reset(): Promise<Uint8Array> {
    return this.atr;
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

const PIECE = 200;

/** What the card's own software sees of a channel: bytes go out by SEND DATA, and come by RECEIVE DATA. */
export class CardPipe extends Duplex {
  readonly #card: ScriptedCard;
  #channel = 0;

  constructor(card: ScriptedCard, { host, port }: { readonly host: string; readonly port: number }) {
    super({ allowHalfOpen: false });
    this.#card = card;
    card.onEvent = ({ event, objects }) => {
      if (event === EVENT.DATA_AVAILABLE) void this.#receive();
      if (event === EVENT.CHANNEL_STATUS && findValue(objects, 'channelStatus')?.channel === this.#channel)
        this.push(null);
    };
    void card.ask('setUpEventList', [catObject('eventList', [EVENT.DATA_AVAILABLE, EVENT.CHANNEL_STATUS])]);
    void card
      .ask('openChannel', [
        catObject('bearer', { type: BEARER.DEFAULT, parameters: new Uint8Array() }),
        catObject('bufferSize', 1_400),
        catObject('transport', { protocol: TRANSPORT.TCP_CLIENT, port }),
        catObject('dataAddress', { family: 'ipv4', address: Uint8Array.from(host.split('.').map(Number)) }),
      ])
      .then(({ general, objects }) => {
        this.#channel = findValue(objects, 'channelStatus')?.channel ?? 0;
        if (general >= 0x10) this.destroy(new Error(`OPEN CHANNEL: ${general.toString(16)}`));
        else this.emit('connect');
      });
  }

  async #receive(): Promise<void> {
    const destination = DEVICE.CHANNEL_BASE + this.#channel;
    for (let left = 255; left > 0; ) {
      const { objects } = await this.#card.ask('receiveData', [catObject('channelDataLength', 255)], { destination });
      this.push(Buffer.from(findValue(objects, 'channelData') ?? new Uint8Array()));
      left = findValue(objects, 'channelDataLength') ?? 0;
    }
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#send(chunk).then(() => done(), done);
  }

  async #send(chunk: Buffer): Promise<void> {
    if (this.#channel === 0) await new Promise((resolve) => this.once('connect', resolve));
    const destination = DEVICE.CHANNEL_BASE + this.#channel;
    for (let at = 0; at < chunk.length; at += PIECE) {
      const data = catObject('channelData', new Uint8Array(chunk.subarray(at, at + PIECE)));
      // Stored until the last piece: the server sees one segment.
      const qualifier = at + PIECE >= chunk.length ? 1 : 0;
      await this.#card.ask('sendData', [data], { qualifier, destination });
    }
  }
}
