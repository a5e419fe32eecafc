// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIPv6, type Socket, SocketAddress } from 'node:net';
import { CHANNEL_INFO, type ChannelStatus, LINK } from '../../../wire/uicc/cat-channel-values.ts';
import { type AnyCatObject, catObject } from '../../../wire/uicc/cat-object.ts';
import { EVENT, encodeEventDownload } from '../../../wire/uicc/event-download.ts';
import { DEVICE } from '../../../wire/uicc/proactive-command.ts';

/** Channels of a card to the network: TCP and UDP clients, bounded buffers. @see TS 102 223 6.4.27 to 6.4.31 */

/** Where a card's channels may go, by address: a card names any that it likes, and never a name. */
export interface ChannelPolicy {
  readonly allow: readonly { readonly host: string; readonly port: number }[];
  /** Default 10,000. */
  readonly connectMs?: number;
}

export interface ChannelRequest {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly bufferSize: number;
}

const MAX_CHANNELS = 7;
const CONNECT_MS = 10_000;
/** What waits for the card: datagrams beyond it are lost. A stream that has more than half of it waiting is held. */
const MAX_WAITING = 65_536;
/** One answer to RECEIVE DATA: 255 bytes less what else is in it. */
const MAX_CHUNK = 237;
const MANY = 255;

interface Channel {
  readonly number: number;
  /** What is dropped of it is missing for good: a stream, of which the peer thinks that all has come. */
  readonly lossless: boolean;
  readonly bufferSize: number;
  readonly waiting: Buffer[];
  /** What SEND DATA has stored and not sent. */
  stored: Buffer;
  up: boolean;
  /** The card was told, or is being told. */
  toldDown: boolean;
  /** The card was not told of data that waits for it, since it was busy. */
  owesData: boolean;
  send(bytes: Buffer): void;
  /** Bytes that the network has not taken. */
  unsent(): number;
  hold(on: boolean): void;
  close(): void;
}

/**
 * Gives the card an event when its turn comes.
 *
 * @param event undefined when there is nothing to tell any more
 * @returns false when the card was too busy to hear it: `tellAgain` is called by and by
 */
export type TellCard = (event: () => Uint8Array | undefined) => Promise<boolean>;

export class Channels {
  readonly #policy: ChannelPolicy;
  readonly #tell: TellCard;
  readonly #open = new Map<number, Channel>();
  /** Events that the card has asked for. */
  #wanted: ReadonlySet<number> = new Set();

  constructor(policy: ChannelPolicy, tell: TellCard) {
    this.#policy = policy;
    this.#tell = tell;
  }

  want(events: readonly number[]): void {
    this.#wanted = new Set(events);
    for (const channel of this.#open.values()) this.#tellDown(channel);
  }

  /** Tells what the card was too busy to hear. */
  tellAgain(): void {
    for (const channel of this.#open.values()) {
      if (channel.owesData) this.#tellData(channel);
      this.#tellDown(channel);
    }
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_CHANNELS;
  }

  /** @returns its number; undefined when the address is not allowed, or nobody answers there */
  async open({ protocol, host, port, bufferSize }: ChannelRequest): Promise<number | undefined> {
    const number = [1, 2, 3, 4, 5, 6, 7].find((free) => !this.#open.has(free));
    const wanted = oneForm(host);
    const allowed = this.#policy.allow.some((address) => address.port === port && oneForm(address.host) === wanted);
    if (number === undefined || !allowed) return undefined;
    const way = protocol === 'tcp' ? await this.#tcp(host, port) : await openUdp(host, port);
    if (way === undefined) return undefined;
    const channel: Channel = {
      number,
      bufferSize,
      lossless: protocol === 'tcp',
      waiting: [],
      stored: Buffer.alloc(0),
      up: true,
      toldDown: false,
      owesData: false,
      ...way.ways,
    };
    this.#open.set(number, channel);
    way.listen(
      (bytes) => this.#received(channel, bytes),
      () => this.#dropped(channel),
    );
    return number;
  }

  #tcp(host: string, port: number): Promise<Way | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      const overdue = setTimeout(() => socket.destroy(), this.#policy.connectMs ?? CONNECT_MS);
      socket.on('error', () => {});
      socket.once('close', () => {
        clearTimeout(overdue);
        resolve(undefined);
      });
      socket.once('connect', () => {
        clearTimeout(overdue);
        resolve(wayOfTcp(socket));
      });
    });
  }

  #received(channel: Channel, bytes: Buffer): void {
    const before = length(channel);
    // One chunk of a stream may come behind the hold, and goes into no bound.
    if (!channel.lossless && before + bytes.length > MAX_WAITING) return;
    channel.waiting.push(bytes);
    if (length(channel) > MAX_WAITING / 2) channel.hold(true);
    if (before === 0) this.#tellData(channel);
  }

  #tellData(channel: Channel): void {
    if (!this.#wanted.has(EVENT.DATA_AVAILABLE)) return;
    channel.owesData = false;
    const told = this.#tell(() => {
      const waiting = length(channel);
      if (waiting === 0 || !this.#isOpen(channel)) return undefined;
      const size = catObject('channelDataLength', Math.min(waiting, MANY));
      return eventOf(EVENT.DATA_AVAILABLE, [catObject('channelStatus', statusOf(channel)), size]);
    });
    void told.then((heard) => {
      channel.owesData = !heard;
    });
  }

  /** Its number may be another's by now. */
  #isOpen(channel: Channel): boolean {
    return this.#open.get(channel.number) === channel;
  }

  #dropped(channel: Channel): void {
    channel.up = false;
    this.#tellDown(channel);
  }

  /** A link that is lost is told when the card has all that came before, and is never forgotten. */
  #tellDown(channel: Channel): void {
    if (channel.up || channel.toldDown || length(channel) > 0 || !this.#isOpen(channel)) return;
    if (!this.#wanted.has(EVENT.CHANNEL_STATUS)) return;
    channel.toldDown = true;
    const told = this.#tell(() =>
      this.#isOpen(channel)
        ? eventOf(EVENT.CHANNEL_STATUS, [catObject('channelStatus', statusOf(channel))])
        : undefined,
    );
    void told.then((heard) => {
      channel.toldDown = heard;
    });
  }

  /** Of each channel; of none where there is none. */
  get statuses(): ChannelStatus[] {
    const statuses = [...this.#open.values()].map(statusOf);
    return statuses.length === 0 ? [{ channel: 0, link: LINK.DOWN, info: CHANNEL_INFO.NONE }] : statuses;
  }

  status(number: number): ChannelStatus | undefined {
    const channel = this.#open.get(number);
    return channel === undefined ? undefined : statusOf(channel);
  }

  /** Takes up to `wanted` bytes of what has come, and how many are left; undefined without such a channel. */
  receive(number: number, wanted: number): { readonly data: Uint8Array; readonly left: number } | undefined {
    const channel = this.#open.get(number);
    if (channel === undefined) return undefined;
    const waiting = Buffer.concat(channel.waiting);
    const data = waiting.subarray(0, Math.min(wanted, MAX_CHUNK));
    const rest = waiting.subarray(data.length);
    channel.waiting.splice(0, channel.waiting.length, ...(rest.length === 0 ? [] : [rest]));
    if (rest.length <= MAX_WAITING / 2) channel.hold(false);
    this.#tellDown(channel);
    return { data: new Uint8Array(data), left: Math.min(rest.length, MANY) };
  }

  /**
   * Stores bytes, and sends all that is stored when `now`.
   *
   * @returns room that is left, while the network takes nothing none; `down` when the link is lost, `full` when they do
   *   not fit
   */
  send(number: number, bytes: Uint8Array, now: boolean): number | 'unknown' | 'down' | 'full' {
    const channel = this.#open.get(number);
    if (channel === undefined) return 'unknown';
    if (!channel.up) return 'down';
    if (bytes.length > roomOf(channel)) return 'full';
    channel.stored = Buffer.concat([channel.stored, bytes]);
    if (now) {
      channel.send(channel.stored);
      channel.stored = Buffer.alloc(0);
    }
    return Math.max(0, Math.min(roomOf(channel), MANY));
  }

  /** False without such a channel. */
  close(number: number): boolean {
    const channel = this.#open.get(number);
    this.#open.delete(number);
    channel?.close();
    return channel !== undefined;
  }

  closeAll(): void {
    for (const number of this.#open.keys()) this.close(number);
    this.#wanted = new Set();
  }
}

/** An IPv6 address has many forms. */
const oneForm = (host: string): string =>
  isIPv6(host) ? new SocketAddress({ address: host, family: 'ipv6' }).address : host;

const eventOf = (event: number, objects: readonly AnyCatObject[]): Uint8Array =>
  encodeEventDownload({ event, source: DEVICE.TERMINAL, destination: DEVICE.CARD, objects });

const length = ({ waiting }: Channel): number => waiting.reduce((sum, part) => sum + part.length, 0);

const roomOf = ({ bufferSize, stored, unsent }: Channel): number => bufferSize - stored.length - unsent();

const statusOf = ({ number, up }: Channel): ChannelStatus => ({
  channel: number,
  link: up ? LINK.UP : LINK.DOWN,
  info: up ? CHANNEL_INFO.NONE : CHANNEL_INFO.LINK_DROPPED,
});

interface Way {
  readonly ways: Pick<Channel, 'send' | 'unsent' | 'hold' | 'close'>;
  listen(received: (bytes: Buffer) => void, dropped: () => void): void;
}

function wayOfTcp(socket: Socket): Way {
  return {
    ways: {
      send: (bytes) => void socket.write(bytes),
      unsent: () => socket.writableLength,
      hold: (on) => void (on ? socket.pause() : socket.resume()),
      close: () => void socket.destroy(),
    },
    listen: (received, dropped) => {
      socket.on('data', received);
      socket.once('end', dropped);
      socket.once('close', dropped);
    },
  };
}

function openUdp(host: string, port: number): Promise<Way | undefined> {
  const socket: UdpSocket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let open = true;
  const close = () => {
    if (open) socket.close();
    open = false;
  };
  return new Promise((resolve) => {
    socket.on('error', () => resolve(undefined));
    socket.connect(port, host, () =>
      resolve({
        ways: { send: (bytes) => socket.send(bytes, () => {}), unsent: () => 0, hold: () => {}, close },
        listen: (received) => void socket.on('message', received),
      }),
    );
  });
}
