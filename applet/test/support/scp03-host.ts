// SPDX-License-Identifier: Apache-2.0
/** An off-card entity of SCP03, written from Amendment D for these tests alone. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, apdu, split, type TestCard } from './card.ts';
import { bytes, hex, tlv } from './tlv.ts';

const BLOCK = 16;

function aes(mode: 'ecb' | 'cbc', key: Buffer, data: Buffer, iv: Buffer | null, decrypt = false): Buffer {
  const cipher = (decrypt ? createDecipheriv : createCipheriv)(`aes-${key.length * 8}-${mode}`, key, iv);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));

function doubled(block: Buffer): Buffer {
  const value = BigInt(`0x${hex(block)}`);
  const twice = BigInt.asUintN(128, value << 1n) ^ (value >> 127n === 1n ? 0x87n : 0n);
  return bytes(twice.toString(16).padStart(32, '0'));
}

/** RFC 4493 for keys of any AES length. */
export function cmac(key: Buffer, data: Buffer): Buffer {
  const first = doubled(aes('ecb', key, Buffer.alloc(BLOCK), null));
  const whole = data.length > 0 && data.length % BLOCK === 0;
  const padded = whole ? data : pad80(data);
  const head = padded.subarray(0, -BLOCK);
  const last = xor(padded.subarray(-BLOCK), whole ? first : doubled(first));
  return aes('cbc', key, Buffer.concat([head, last]), Buffer.alloc(BLOCK)).subarray(-BLOCK);
}

export function pad80(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.of(0x80), Buffer.alloc(BLOCK - 1 - (data.length % BLOCK))]);
}

/** Key derivation of Amendment D 4.1.5. */
export function derive(key: Buffer, constant: number, bits: number, context: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let n = 1; n <= Math.ceil(bits / 128); n++) {
    const label = Buffer.concat([Buffer.alloc(11), Buffer.of(constant, 0, bits >> 8, bits & 0xff, n)]);
    parts.push(cmac(key, Buffer.concat([label, context])));
  }
  return Buffer.concat(parts).subarray(0, bits / 8);
}

export const checkValue = (key: Buffer): Buffer => aes('ecb', key, Buffer.alloc(BLOCK, 1), null).subarray(0, 3);

/** A static key set. */
export interface KeySet {
  readonly kvn: string;
  readonly enc: Buffer;
  readonly mac: Buffer;
  readonly dek: Buffer;
}

export function randomKeySet(kvn: string, length = 16): KeySet {
  return { kvn, enc: randomBytes(length), mac: randomBytes(length), dek: randomBytes(length) };
}

/** How a key stands in PUT KEY: with its real length before it or as bare blocks (GPCS 11.8.2.3.2). */
export type KeyForm = 'with-length' | 'bare';

/** PUT KEY data of a key set; `seal` enciphers a key of whole blocks. */
export function keySetData(set: KeySet, seal: (key: Buffer) => Buffer, form: KeyForm = 'with-length'): Buffer {
  const fields = [set.enc, set.mac, set.dek].map((key) => {
    const blocks = Buffer.concat([key, randomBytes((BLOCK - (key.length % BLOCK)) % BLOCK)]);
    const value = form === 'bare' ? seal(blocks) : Buffer.concat([Buffer.of(key.length), seal(blocks)]);
    return Buffer.concat([tlv('88', value), Buffer.of(3), checkValue(key)]);
  });
  return Buffer.concat([bytes(set.kvn), ...fields]);
}

/** What PUT KEY answers. */
export const keySetAnswer = (set: KeySet): string =>
  set.kvn + [set.enc, set.mac, set.dek].map((key) => hex(checkValue(key))).join('');

export interface InitializeUpdate {
  readonly diversification: string;
  readonly kvn: string;
  readonly protocol: string;
  readonly option: number;
  readonly cardChallenge: Buffer;
  readonly cryptogram: Buffer;
  readonly sequence: string;
}

/** The answer's fields; S8 or S16 by the option in it. */
export function readInitializeUpdate(data: Buffer): InitializeUpdate {
  const option = data[12] ?? 0;
  const size = (option & 1) === 0 ? 8 : 16;
  expect(data.length).equal(13 + 2 * size + ((option & 0x10) === 0 ? 0 : 3));
  return {
    diversification: hex(data.subarray(0, 10)),
    kvn: hex(data.subarray(10, 11)),
    protocol: hex(data.subarray(11, 12)),
    option,
    cardChallenge: data.subarray(13, 13 + size),
    cryptogram: data.subarray(13 + size, 13 + 2 * size),
    sequence: hex(data.subarray(13 + 2 * size)),
  };
}

/** An SCP03 session: commands in, opened answers out. */
export class Scp03Session {
  readonly card: TestCard;
  readonly set: KeySet;
  readonly size: number;
  readonly sEnc: Buffer;
  readonly sMac: Buffer;
  readonly sRmac: Buffer;
  readonly context: Buffer;
  level = 0;
  counter = 0n;
  chaining: Buffer = Buffer.alloc(BLOCK);

  constructor(card: TestCard, set: KeySet, hostChallenge: Buffer, cardChallenge: Buffer) {
    this.card = card;
    this.set = set;
    this.size = hostChallenge.length;
    this.context = Buffer.concat([hostChallenge, cardChallenge]);
    const bits = set.enc.length * 8;
    this.sEnc = derive(set.enc, 0x04, bits, this.context);
    this.sMac = derive(set.mac, 0x06, bits, this.context);
    this.sRmac = derive(set.mac, 0x07, bits, this.context);
  }

  cryptogram(constant: number): Buffer {
    return derive(this.sMac, constant, this.size * 8, this.context);
  }

  #counterBlock(response: boolean): Buffer {
    const block = bytes(this.counter.toString(16).padStart(32, '0'));
    if (response) block[0] = (block[0] ?? 0) | 0x80;
    return aes('ecb', this.sEnc, block, null);
  }

  /** Appends the C-MAC; Lc of three bytes over 255. */
  mac(header: string, data: Buffer): Buffer {
    const total = data.length + this.size;
    const length = total > 255 ? Buffer.of(0, total >> 8, total & 0xff) : Buffer.of(total);
    this.chaining = cmac(this.sMac, Buffer.concat([this.chaining, bytes(header), length, data]));
    return Buffer.concat([data, this.chaining.subarray(0, this.size)]);
  }

  /** The protected data field of a command whose header has its secure messaging bit already. */
  field(header: string, data: Buffer): Buffer {
    this.counter += 1n;
    const ciphered = (this.level & 0x02) !== 0 && data.length > 0;
    return this.mac(header, ciphered ? this.#cipher(pad80(data)) : data);
  }

  /** A field of whole blocks enciphered as they are, for tests of the padding. */
  fieldOfBlocks(header: string, blocks: Buffer): Buffer {
    this.counter += 1n;
    return this.mac(header, this.#cipher(blocks));
  }

  #cipher(blocks: Buffer): Buffer {
    return aes('cbc', this.sEnc, blocks, this.#counterBlock(false));
  }

  async authenticate(level: number): Promise<string> {
    const header = `8482${level.toString(16).padStart(2, '0')}00`;
    const answer = await this.card.send(apdu(header, this.mac(header, this.cryptogram(0x01))));
    this.level = level;
    return answer.sw;
  }

  open(answer: Answer): Answer {
    if ((this.level & 0x10) === 0 || !/^(9000|6[23])/.test(answer.sw)) return answer;
    const data = answer.data.subarray(0, -this.size);
    const mac = cmac(this.sRmac, Buffer.concat([this.chaining, data, bytes(answer.sw)]));
    expect(hex(answer.data.subarray(-this.size)), 'R-MAC').equal(hex(mac.subarray(0, this.size)));
    if ((this.level & 0x20) === 0 || data.length === 0) return { data, sw: answer.sw };
    const plain = aes('cbc', this.sEnc, data, this.#counterBlock(true), true);
    return { data: plain.subarray(0, plain.lastIndexOf(0x80)), sw: answer.sw };
  }

  async send(header: string, data: string | Uint8Array = '', le = true): Promise<Answer> {
    const body = Buffer.from(typeof data === 'string' ? bytes(data) : data);
    if ((this.level & 0x01) === 0) return this.card.send(apdu(header, body, le));
    const protectedHeader =
      (Number.parseInt(header.slice(0, 2), 16) | 0x04).toString(16).padStart(2, '0') + header.slice(2);
    const field = this.field(protectedHeader, body);
    if (field.length <= 255) return this.open(await this.card.send(apdu(protectedHeader, field, le)));
    return this.open(await this.card.gpChain(protectedHeader, field));
  }

  async ok(header: string, data: string | Uint8Array = '', sw = '9000'): Promise<string> {
    const answer = await this.send(header, data);
    expect(answer.sw, header).equal(sw);
    return hex(answer.data);
  }

  async storeData(data: Uint8Array, size = 200): Promise<string> {
    const blocks = split(data, size);
    for (const [i, block] of blocks.entries()) {
      const p1 = i === blocks.length - 1 ? '90' : '10';
      const { sw } = await this.send(`80E2${p1}${i.toString(16).padStart(2, '0')}`, block, false);
      if (sw !== '9000') return sw;
    }
    return '9000';
  }

  /** Enciphers whole blocks under the static DEK. */
  seal(key: Buffer): Buffer {
    return aes('cbc', this.set.dek, key, Buffer.alloc(BLOCK));
  }

  /** PUT KEY of a set; `replaces` is P1. */
  putKeySet(set: KeySet, replaces = '00', form: KeyForm = 'with-length'): Promise<Answer> {
    return this.send(
      `80D8${replaces}81`,
      keySetData(set, (key) => this.seal(key), form),
    );
  }
}

/** INITIALIZE UPDATE, its cryptogram checked. */
export async function initialize(card: TestCard, set: KeySet, challenge = randomBytes(8)): Promise<Scp03Session> {
  const answer = await card.send(apdu(`8050${set.kvn}00`, challenge, true));
  expect(answer.sw, 'INITIALIZE UPDATE').equal('9000');
  const read = readInitializeUpdate(answer.data);
  expect([read.kvn, read.protocol]).deep.equal([set.kvn, '03']);
  const session = new Scp03Session(card, set, challenge, read.cardChallenge);
  expect(hex(read.cryptogram), 'cryptogram of the card').equal(hex(session.cryptogram(0x00)));
  return session;
}

export async function openScp03(card: TestCard, set: KeySet, level = 0x33, size = 8): Promise<Scp03Session> {
  const session = await initialize(card, set, randomBytes(size));
  expect(await session.authenticate(level), 'EXTERNAL AUTHENTICATE').equal('9000');
  return session;
}
