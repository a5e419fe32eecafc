// SPDX-License-Identifier: Apache-2.0
/** An off-card entity of SCP02, written from GPCS appendix E for these tests alone. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, apdu, type TestCard } from './card.ts';
import type { KeySet } from './scp03-host.ts';
import { bytes, hex, tlv } from './tlv.ts';

const ZERO = Buffer.alloc(8);
const threeKeys = (key: Buffer): Buffer => (key.length === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]));

function des(key: Buffer, data: Buffer, iv: Buffer | null, decrypt = false): Buffer {
  const cipher = (decrypt ? createDecipheriv : createCipheriv)(
    `des-ede3${iv === null ? '' : '-cbc'}`,
    threeKeys(key),
    iv,
  );
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** Single DES as triple DES of one key three times. */
const single = (key: Buffer, data: Buffer, iv: Buffer | null): Buffer =>
  des(Buffer.concat([key.subarray(0, 8), key.subarray(0, 8), key.subarray(0, 8)]), data, iv);

export const pad8 = (data: Buffer): Buffer =>
  Buffer.concat([data, Buffer.of(0x80), Buffer.alloc(7 - (data.length % 8))]);

export const desCheckValue = (key: Buffer): Buffer => des(key, ZERO, null).subarray(0, 3);

/** ISO 9797-1 algorithm 3 with padding. */
export function retailMac(key: Buffer, iv: Buffer, data: Buffer): Buffer {
  const padded = pad8(data);
  const head = padded.subarray(0, -8);
  const chain = head.length === 0 ? iv : single(key, head, iv).subarray(-8);
  return des(key, padded.subarray(-8), chain);
}

const fullMac = (key: Buffer, data: Buffer): Buffer => des(key, pad8(data), ZERO).subarray(-8);

export function derive(key: Buffer, constant: string, sequence: Buffer): Buffer {
  return des(key, Buffer.concat([bytes(constant), sequence, Buffer.alloc(12)]), ZERO);
}

/** A set of two-key triple DES keys. */
export function randomDesSet(kvn: string): KeySet {
  return { kvn, enc: randomBytes(16), mac: randomBytes(16), dek: randomBytes(16) };
}

/** PUT KEY data of a DES set; `seal` enciphers a key. */
export function desSetData(set: KeySet, seal: (key: Buffer) => Buffer): Buffer {
  const fields = [set.enc, set.mac, set.dek].map((key) =>
    Buffer.concat([tlv('80', seal(key)), Buffer.of(3), desCheckValue(key)]),
  );
  return Buffer.concat([bytes(set.kvn), ...fields]);
}

/** What an option byte means to the host (Table E-1). */
export interface Scp02Options {
  readonly unmodified: boolean;
  readonly icvEncryption: boolean;
  readonly baseKey: boolean;
}

export const optionsOf = (i: string): Scp02Options => {
  const bits = Number.parseInt(i, 16);
  return { unmodified: (bits & 0x02) !== 0, icvEncryption: (bits & 0x10) !== 0, baseKey: (bits & 0x01) === 0 };
};

/** Data that fits one command at any level: with MAC and padding. */
const LONGEST = 239;

const lengthField = (length: number): Buffer =>
  length > 255 ? Buffer.of(0, length >> 8, length & 0xff) : Buffer.of(length);

const protectedClass = (header: string): string =>
  (Number.parseInt(header.slice(0, 2), 16) | 0x04).toString(16).padStart(2, '0') + header.slice(2);

export class Scp02Session {
  readonly card: TestCard;
  readonly options: Scp02Options;
  readonly enc: Buffer;
  readonly cMac: Buffer;
  readonly rMac: Buffer;
  readonly dek: Buffer;
  level = 0;
  icv: Buffer = ZERO;
  first = true;
  ricv: Buffer = ZERO;
  /** Header, length and data of the command whose answer is due. */
  command: Buffer = Buffer.alloc(0);

  constructor(card: TestCard, set: KeySet, sequence: Buffer, options: Scp02Options, later = sequence) {
    const { enc, mac, dek } = options.baseKey ? { enc: set.enc, mac: set.enc, dek: set.enc } : set;
    this.card = card;
    this.options = options;
    this.enc = derive(enc, '0182', sequence);
    this.cMac = derive(mac, '0101', sequence);
    this.rMac = derive(mac, '0102', later);
    this.dek = derive(dek, '0181', later);
  }

  cardCryptogram(host: Buffer, cardPart: Buffer): Buffer {
    return fullMac(this.enc, Buffer.concat([host, cardPart]));
  }

  hostCryptogram(host: Buffer, cardPart: Buffer): Buffer {
    return fullMac(this.enc, Buffer.concat([cardPart, host]));
  }

  /** The protected command: header with its secure messaging bit, MAC at the end. */
  wrap(header: string, data: Buffer, le: boolean, encrypts = (this.level & 0x02) !== 0): Buffer {
    return apdu(protectedClass(header), this.field(header, data, encrypts), le);
  }

  /** The protected data, of any length: Lc in the MAC has three bytes over 255. */
  field(header: string, data: Buffer, encrypts = (this.level & 0x02) !== 0): Buffer {
    const protectedHeader = protectedClass(header);
    const { unmodified, icvEncryption } = this.options;
    const lc = lengthField(unmodified ? data.length : data.length + 8);
    const iv = icvEncryption && !this.first ? single(this.cMac, this.icv, null) : this.icv;
    this.icv = retailMac(this.cMac, iv, Buffer.concat([bytes(unmodified ? header : protectedHeader), lc, data]));
    this.first = false;
    const body = encrypts && data.length > 0 ? des(this.enc, pad8(data), ZERO) : data;
    return Buffer.concat([body, this.icv]);
  }

  async authenticate(level: number, host: Buffer, cardPart: Buffer): Promise<string> {
    const header = `8082${level.toString(16).padStart(2, '0')}00`;
    const answer = await this.card.send(this.wrap(header, this.hostCryptogram(host, cardPart), false, false));
    this.level = level;
    this.ricv = this.icv;
    return answer.sw;
  }

  /** Checks the R-MAC, which errors have too. */
  open(answer: Answer): Answer {
    if ((this.level & 0x10) === 0) return answer;
    const data = answer.data.subarray(0, -8);
    this.ricv = retailMac(
      this.rMac,
      this.ricv,
      Buffer.concat([this.command, Buffer.of(data.length & 0xff), data, bytes(answer.sw)]),
    );
    expect(hex(answer.data.subarray(-8)), `R-MAC of ${answer.sw}`).equal(hex(this.ricv));
    return { data, sw: answer.sw };
  }

  async send(header: string, data: string | Uint8Array = '', le = true): Promise<Answer> {
    const body = Buffer.from(typeof data === 'string' ? bytes(data) : data);
    this.command = Buffer.concat([bytes(header), lengthField(body.length), body]);
    if (body.length > LONGEST)
      return this.open(await this.card.gpChain(protectedClass(header), this.field(header, body)));
    const command = (this.level & 0x01) === 0 ? apdu(header, body, le) : this.wrap(header, body, le);
    return this.open(await this.card.send(command));
  }

  async ok(header: string, data: string | Uint8Array = '', sw = '9000'): Promise<string> {
    const answer = await this.send(header, data);
    expect(answer.sw, header).equal(sw);
    return hex(answer.data);
  }

  /** Enciphers under the session's DEK. */
  seal(key: Buffer): Buffer {
    return des(this.dek, key, null);
  }
}

export interface Scp02Update {
  readonly kvn: string;
  readonly protocol: string;
  /** Sequence counter and card challenge. */
  readonly cardPart: Buffer;
  readonly cryptogram: string;
}

export function readScp02Update(data: Buffer): Scp02Update {
  expect(data.length).equal(28);
  return {
    kvn: hex(data.subarray(10, 11)),
    protocol: hex(data.subarray(11, 12)),
    cardPart: data.subarray(12, 20),
    cryptogram: hex(data.subarray(20)),
  };
}

export interface Scp02Start {
  readonly session: Scp02Session;
  readonly host: Buffer;
  readonly update: Scp02Update;
}

/** INITIALIZE UPDATE, its cryptogram checked. */
export async function initializeScp02(card: TestCard, set: KeySet, i: string, named = set.kvn): Promise<Scp02Start> {
  const host = randomBytes(8);
  const answer = await card.send(apdu(`8050${named}00`, host, true));
  expect(answer.sw, 'INITIALIZE UPDATE').equal('9000');
  const update = readScp02Update(answer.data);
  expect([update.kvn, update.protocol]).deep.equal([set.kvn, '02']);
  const session = new Scp02Session(card, set, update.cardPart.subarray(0, 2), optionsOf(i));
  expect(update.cryptogram, 'cryptogram of the card').equal(hex(session.cardCryptogram(host, update.cardPart)));
  return { session, host, update };
}

export async function openScp02(card: TestCard, set: KeySet, level = 0x03, i = '15'): Promise<Scp02Session> {
  const { session, host, update } = await initializeScp02(card, set, i);
  expect(await session.authenticate(level, host, update.cardPart), 'EXTERNAL AUTHENTICATE').equal('9000');
  return session;
}
