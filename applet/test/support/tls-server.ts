// SPDX-License-Identifier: Apache-2.0
/** TLS 1.2 with a pre-shared key on the server's side, by hand (RFC 5246, RFC 4279), so that each byte may be wrong. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { type Duplex, duplexPair } from 'node:stream';
import { expect } from 'chai';
import { PSK } from './agent-card.ts';
import { bytes } from './tlv.ts';

export const HELLO = { version: '0303', session: '', suite: '00AE', compression: '00', extensions: '0005 0001000101' };
export type Hello = typeof HELLO;

/** What is done otherwise than by the book. */
export interface Faults {
  readonly hello?: Partial<Hello>;
  /** Handshake messages after ServerHello, hex; ServerHelloDone when absent. */
  readonly next?: string;
  /** In place of all of the server's first flight: records, hex. */
  readonly flight?: string;
  readonly finished?: (data: Buffer) => Buffer;
  /** MAC of the answer, and the padding with its length. */
  readonly mac?: (mac: Buffer) => Buffer;
  readonly padding?: (padding: Buffer) => Buffer;
  /** The record of the answer as it goes out. */
  readonly record?: (record: Buffer) => Buffer;
  /** A record's content; of the answer to the first POST. */
  readonly answer: string | Buffer;
  /** Changes what goes out, at its place in all that does; a card whose answer is wrong then is left alone. */
  readonly spoil?: (part: Buffer, offset: number) => Buffer;
  /** Sent before the answer. */
  readonly before?: { readonly type: number; readonly content: Buffer };
}

const hmac = (key: Buffer, ...data: Buffer[]): Buffer => {
  const made = createHmac('sha256', key);
  for (const part of data) made.update(part);
  return made.digest();
};

function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const all = Buffer.concat([Buffer.from(label), seed]);
  const parts: Buffer[] = [];
  for (let a = hmac(secret, all); parts.length * 32 < length; a = hmac(secret, a)) parts.push(hmac(secret, a, all));
  return Buffer.concat(parts).subarray(0, length);
}

const sha = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
const counterOf = (count: number): Buffer => {
  const counter = Buffer.alloc(8);
  counter.writeUInt32BE(count, 4);
  return counter;
};

export class TlsByHand {
  readonly #faults: Faults;
  readonly alerts: number[] = [];
  /** What the card posted. */
  posted = '';
  #stream: Duplex | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #messages: Buffer = Buffer.alloc(0);
  #clientRandom: Buffer = Buffer.alloc(32);
  readonly #random = randomBytes(32);
  #master: Buffer = Buffer.alloc(0);
  #keys: { readonly macs: Buffer[]; readonly keys: Buffer[] } | undefined;
  #reads = false;
  readonly #count = [0, 0];
  #answered = false;
  #sent = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  connect = (): Duplex => {
    const [near, far] = duplexPair();
    this.#stream = far;
    far.on('error', () => {});
    far.on('data', (part: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, part]);
      while (this.#bytes.length >= 5 && this.#bytes.length >= 5 + this.#bytes.readUInt16BE(3)) {
        const end = 5 + this.#bytes.readUInt16BE(3);
        const record = this.#bytes.subarray(0, end);
        this.#bytes = this.#bytes.subarray(end);
        this.#take(record[0] ?? 0, this.#reads ? this.#open(record) : record.subarray(5));
      }
    });
    return near;
  };

  #take(type: number, content: Buffer): void {
    if (content.length === 0) return;
    if (type === 21) this.alerts.push(content[1] ?? 0);
    else if (type === 20) this.#reads = true;
    else if (type === 22) this.#handshake(content);
    else this.#post(content);
  }

  #handshake(message: Buffer): void {
    if (message[0] === 1) this.#hello(message);
    else if (message[0] === 16) this.#exchange(message);
    else this.#finish(message);
  }

  #hello(message: Buffer): void {
    this.#clientRandom = Buffer.from(message.subarray(6, 38));
    this.#messages = Buffer.concat([this.#messages, message]);
    const { flight, next = '0E000000' } = this.#faults;
    if (flight !== undefined) {
      this.#write(bytes(flight));
      return;
    }
    const { version, session, suite, compression, extensions } = { ...HELLO, ...this.#faults.hello };
    const id = bytes(session);
    const body = Buffer.concat([
      bytes(version),
      this.#random,
      Buffer.of(id.length),
      id,
      bytes(suite + compression + extensions),
    ]);
    const hello = Buffer.concat([Buffer.of(2, 0, body.length >> 8, body.length & 0xff), body]);
    const all = Buffer.concat([hello, bytes(next)]);
    this.#messages = Buffer.concat([this.#messages, all]);
    for (let at = 0; at < all.length; at += 512) this.#plain(22, all.subarray(at, at + 512));
  }

  #exchange(message: Buffer): void {
    this.#messages = Buffer.concat([this.#messages, message]);
    const size = Buffer.of(0, PSK.length);
    const premaster = Buffer.concat([size, Buffer.alloc(PSK.length), size, PSK]);
    this.#master = prf(premaster, 'master secret', Buffer.concat([this.#clientRandom, this.#random]), 48);
    const block = prf(this.#master, 'key expansion', Buffer.concat([this.#random, this.#clientRandom]), 96);
    const at = (from: number, to: number) => block.subarray(from, to);
    this.#keys = { macs: [at(0, 32), at(32, 64)], keys: [at(64, 80), at(80, 96)] };
  }

  #finish(message: Buffer): void {
    const verify = prf(this.#master, 'client finished', sha(this.#messages), 12);
    if (this.#isWrong(message.subarray(4), verify, 'Finished of the card')) return;
    this.#messages = Buffer.concat([this.#messages, message]);
    const { finished = (data) => data } = this.#faults;
    const data = finished(prf(this.#master, 'server finished', sha(this.#messages), 12));
    this.#plain(20, Buffer.of(1));
    this.#write(this.#seal(22, Buffer.concat([Buffer.of(20, 0, 0, data.length), data]), {}));
  }

  #post(content: Buffer): void {
    this.posted += content.toString('latin1');
    if (this.#answered || !this.posted.endsWith('\r\n\r\n')) return;
    this.#answered = true;
    const { answer, before, record = (made) => made } = this.#faults;
    if (before !== undefined) this.#write(this.#seal(before.type, before.content, {}));
    const all = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
    for (let at = 0; at < all.length; at += 512)
      this.#write(record(this.#seal(23, all.subarray(at, at + 512), this.#faults)));
  }

  #isWrong(got: Buffer, expected: Buffer, what: string): boolean {
    const wrong = !got.equals(expected);
    if (this.#faults.spoil === undefined) expect(wrong, what).equal(false);
    if (wrong) this.#stream?.destroy();
    return wrong;
  }

  #plain(type: number, content: Buffer): void {
    this.#write(Buffer.concat([Buffer.of(type, 3, 3, content.length >> 8, content.length & 0xff), content]));
  }

  #write(record: Buffer): void {
    const { spoil = same } = this.#faults;
    const part = spoil(record, this.#sent);
    this.#sent += record.length;
    this.#stream?.write(part);
  }

  #mac(side: 0 | 1, type: number, content: Buffer): Buffer {
    const count = this.#count[side] ?? 0;
    this.#count[side] = count + 1;
    const head = Buffer.of(type, 3, 3, content.length >> 8, content.length & 0xff);
    return hmac(this.#keys?.macs[side] ?? Buffer.alloc(0), counterOf(count), head, content);
  }

  #open(record: Buffer): Buffer {
    const cipher = createDecipheriv('aes-128-cbc', this.#keys?.keys[0] ?? '', record.subarray(5, 21));
    cipher.setAutoPadding(false);
    const clear = Buffer.concat([cipher.update(record.subarray(21)), cipher.final()]);
    const end = clear.length - 1 - (clear.at(-1) ?? 0) - 32;
    const content = clear.subarray(0, end);
    const mac = this.#mac(0, record[0] ?? 0, content);
    return this.#isWrong(clear.subarray(end, end + 32), mac, 'MAC of the card') ? Buffer.alloc(0) : content;
  }

  #seal(type: number, content: Buffer, { mac = same, padding = same }: Pick<Faults, 'mac' | 'padding'>): Buffer {
    const sum = mac(Buffer.from(this.#mac(1, type, content)));
    const length = 16 - ((content.length + sum.length) % 16);
    const pad = padding(Buffer.alloc(length, length - 1));
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-128-cbc', this.#keys?.keys[1] ?? '', iv);
    cipher.setAutoPadding(false);
    const sealed = Buffer.concat([iv, cipher.update(Buffer.concat([content, sum, pad])), cipher.final()]);
    return Buffer.concat([Buffer.of(type, 3, 3, sealed.length >> 8, sealed.length & 0xff), sealed]);
  }
}

const same = (data: Buffer): Buffer => data;
