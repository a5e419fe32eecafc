// SPDX-License-Identifier: Apache-2.0
/**
 * A terminal that gives its card channels to a network of the test's (TS 102 223 6.4.27 to 6.4.31), and timers that run
 * out when the test says so. It looks at nothing that goes through.
 */
import { EventEmitter, once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { TestCard } from './card.ts';
import { bytes, hex, objects, tlv } from './tlv.ts';

const OPEN_CHANNEL = 0x40;
const CLOSE_CHANNEL = 0x41;
const RECEIVE_DATA = 0x42;
const SEND_DATA = 0x43;
const TIMER_MANAGEMENT = 0x27;
const SEND_SHORT_MESSAGE = 0x13;
const LARGEST = 237;

export interface Pipe {
  readonly stream: Duplex;
  readonly number: number;
  readonly waiting: Buffer[];
  up: boolean;
  told: boolean;
}

export class BipTerminal {
  readonly #card: TestCard;
  readonly #connect: () => Duplex | undefined;
  readonly #events = new EventEmitter();
  #turn: Promise<unknown> = Promise.resolve();
  #pipe: Pipe | undefined;
  /** Timers that run, by number: `hh mm ss` as the card said. */
  readonly timers = new Map<number, string>();
  /** Channels that were opened, and proactive commands in all. */
  opened = 0;
  commands = 0;
  /** Messages that the card sent. */
  readonly submitted: Buffer[] = [];
  /** Type of the proactive command that is done and never answered, since the power fails then. */
  diesAt: number | undefined;
  /**
   * Makes the whole response in place of the right one, which does what the card asked for when it is called; nothing
   * for a command that is never answered.
   */
  liar: ((right: () => Promise<Buffer>) => Promise<Buffer | undefined>) | undefined;
  /** Set to stop giving the card what comes. */
  deaf = false;
  buffer = 1500;
  /** Result of TIMER MANAGEMENT, and how many timers ran at each SEND DATA. */
  timed = '830100';
  readonly sentWith: number[] = [];
  /** Number of the next channel, and whether CLOSE CHANNEL ends one without an error. */
  channel = 1;
  closes = true;

  /** @param connect makes the network's end of a channel; undefined where nobody answers */
  constructor(card: TestCard, connect: () => Duplex | undefined) {
    this.#card = card;
    this.#connect = connect;
  }

  /** Sends a command and does what the card asks for then; answers the data of the command itself. */
  send(command: string | Uint8Array): Promise<{ readonly data: Buffer; readonly sw: string }> {
    return this.#inTurn(async () => {
      const answer = await this.#card.exchange(command);
      await this.#serve(answer.sw);
      return answer;
    });
  }

  /** TERMINAL PROFILE of a terminal that can do everything. */
  async profile(): Promise<void> {
    await this.send(`8010000014${'FF'.repeat(20)}`);
  }

  /** A timer runs out. */
  async expire(): Promise<void> {
    const [timer] = this.timers.keys();
    if (timer === undefined) throw new RangeError('no timer runs');
    const value = this.timers.get(timer) ?? '';
    this.timers.delete(timer);
    await this.#envelope(tlv('D7', '82028281', tlv('A4', Buffer.of(timer)), tlv('A5', value)));
  }

  /** The radio link is gone. */
  async drop(): Promise<void> {
    this.#pipe?.stream.destroy();
    await this.idle();
    this.#pipe = undefined;
  }

  /** Power off: channels, timers and what waits go. */
  forget(): void {
    const pipe = this.#pipe;
    this.#pipe = undefined;
    pipe?.stream.destroy();
    this.timers.clear();
  }

  get isOpen(): boolean {
    return this.#pipe !== undefined;
  }

  /** When the card has closed its channel. */
  async closed(): Promise<void> {
    while (this.#pipe !== undefined) await once(this.#events, 'closed');
    await this.settled();
  }

  /** When everything that is under way has been done. */
  async settled(): Promise<void> {
    for (let seen: unknown; seen !== this.#turn; ) {
      seen = this.#turn;
      await seen;
    }
  }

  /** When neither side has more to say: in one process, what was written is there after a turn of the event loop. */
  async idle(): Promise<void> {
    for (let [seen, quiet] = [this.#turn, 0]; quiet < 4; quiet += 1) {
      await this.settled();
      await new Promise((resolve) => setImmediate(resolve));
      if (seen !== this.#turn) [seen, quiet] = [this.#turn, 0];
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #envelope(data: Buffer) {
    return this.send(Buffer.concat([bytes('80C20000'), Buffer.of(data.length), data]));
  }

  async #serve(status: string): Promise<void> {
    for (let sw = status; sw.startsWith('91'); ) {
      this.commands += 1;
      const { data } = await this.#card.exchange('8012000000');
      const list = objects(objects(data)[0]?.value ?? Buffer.alloc(0));
      const find = (tag: number) =>
        list.find((object) => (Number.parseInt(object.tag, 16) & 0x7f) === tag)?.value ?? Buffer.alloc(0);
      const right = async () => {
        const more = await this.#do(find(1), find);
        return Buffer.concat([tlv('81', find(1)), bytes('82028281'), more]);
      };
      const response = await (this.liar === undefined ? right() : this.liar(right));
      if (response === undefined || find(1)[1] === this.diesAt) return;
      const command = Buffer.concat([bytes('80140000'), Buffer.of(response.length), response]);
      ({ sw } = await this.#card.exchange(command));
    }
  }

  async #do(details: Buffer, find: (tag: number) => Buffer): Promise<Buffer> {
    switch (details[1]) {
      case OPEN_CHANNEL:
        return this.#open();
      case CLOSE_CHANNEL:
        this.#close();
        return this.closes ? OK : bytes('83023A03');
      case SEND_DATA:
        this.sentWith.push(this.timers.size);
        return this.#write(find(0x36));
      case RECEIVE_DATA:
        return this.#read(find(0x37)[0] ?? 0);
      case TIMER_MANAGEMENT:
        return this.#timer(details[2] ?? 0, find(0x24)[0] ?? 0, find(0x25));
      case SEND_SHORT_MESSAGE:
        this.submitted.push(find(0x0b));
        return OK;
      default:
        return OK;
    }
  }

  #open(): Buffer {
    const stream = this.#pipe === undefined ? this.#connect() : undefined;
    if (stream === undefined) return bytes('83023A07');
    this.opened += 1;
    const pipe: Pipe = { stream, number: this.channel, waiting: [], up: true, told: false };
    this.#pipe = pipe;
    stream.on('data', (part: Buffer) => this.#came(pipe, part));
    stream.on('error', () => {});
    for (const end of ['end', 'close']) stream.once(end, () => this.#ended(pipe));
    const size = Buffer.alloc(2);
    size.writeUInt16BE(this.buffer);
    return Buffer.concat([OK, tlv('38', Buffer.of(0x80 | pipe.number, 0)), bytes('350103'), tlv('39', size)]);
  }

  #close(): void {
    this.#pipe?.stream.end();
    this.#pipe = undefined;
    this.#events.emit('closed');
  }

  #write(part: Buffer): Buffer {
    if (this.#pipe?.up !== true) return bytes('83023A02');
    this.#pipe.stream.write(part);
    return Buffer.concat([OK, bytes('3701FF')]);
  }

  #read(wanted: number): Buffer {
    const pipe = this.#pipe;
    if (pipe === undefined) return bytes('83023A03');
    const all = Buffer.concat(pipe.waiting);
    const part = all.subarray(0, Math.min(wanted, LARGEST));
    const rest = all.subarray(part.length);
    pipe.waiting.splice(0, pipe.waiting.length, ...(rest.length === 0 ? [] : [rest]));
    if (!pipe.up && rest.length === 0) this.#tellEnd(pipe);
    return Buffer.concat([OK, tlv('36', part), tlv('37', Buffer.of(Math.min(rest.length, 255)))]);
  }

  #timer(qualifier: number, timer: number, value: Buffer): Buffer {
    if (qualifier === 0) this.timers.set(timer, hex(value));
    else this.timers.delete(timer);
    return Buffer.concat([
      bytes(this.timed),
      tlv('24', Buffer.of(timer)),
      qualifier === 0 ? Buffer.alloc(0) : tlv('25', '000000'),
    ]);
  }

  #came(pipe: Pipe, part: Buffer): void {
    const first = pipe.waiting.length === 0;
    pipe.waiting.push(part);
    if (!first || this.deaf || this.#pipe !== pipe) return;
    const number = (0x80 | pipe.number).toString(16);
    void this.#envelope(bytes(`D60E99010982028281B802${number}00B701FF`));
  }

  #ended(pipe: Pipe): void {
    pipe.up = false;
    if (pipe.waiting.length === 0) this.#tellEnd(pipe);
  }

  #tellEnd(pipe: Pipe): void {
    if (pipe.told || this.#pipe !== pipe) return;
    pipe.told = true;
    void this.tellLost(pipe.number);
  }

  /** An event while a command of the card waits for its response, when no other turn comes. */
  between(data: string): Promise<unknown> {
    const event = bytes(data);
    return this.#card.exchange(Buffer.concat([bytes('80C20000'), Buffer.of(event.length), event]));
  }

  /** Link dropped, of any channel. */
  tellLost(number: number) {
    return this.#envelope(bytes(`D60B99010A82028281B8020${number}05`));
  }
}

const OK = bytes('830100');
