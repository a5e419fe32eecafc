// SPDX-License-Identifier: Apache-2.0
/** An off-card entity of SCP10, written from spec clauses F.2 to F.4 for these tests alone. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { expect } from 'chai';
import { type Answer, apdu, ISSUER, ISSUER_CA, split, type TestCard } from './card.ts';
import { certificate, EXPONENT, type RsaKey, rsaKey } from './keys.ts';
import { bytes, hex, tlv } from './tlv.ts';

const desBlock = (key: Buffer, block: Buffer, decrypt = false): Buffer => {
  const triple = key.length === 8 ? Buffer.concat([key, key, key]) : key;
  const cipher = (decrypt ? createDecipheriv : createCipheriv)('des-ede3', ede3(triple), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
};

const ede3 = (key: Buffer): Buffer => (key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key);

export function pad80(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.of(0x80), Buffer.alloc(7 - (data.length % 8))]);
}

/** ISO 9797-1 algorithm 3 over padded data; the last block under the whole key. */
export function retailMac(key: Buffer, iv: Buffer, data: Buffer): Buffer {
  const first = key.subarray(0, 8);
  let chain = iv;
  const padded = pad80(data);
  for (let at = 0; at < padded.length; at += 8) {
    const block = Buffer.from(padded.subarray(at, at + 8).map((byte, i) => byte ^ (chain[i] ?? 0)));
    chain = desBlock(at + 8 === padded.length ? key : first, block);
  }
  return chain;
}

function cbc(key: Buffer, data: Buffer, decrypt = false): Buffer {
  const cipher = (decrypt ? createDecipheriv : createCipheriv)('des-ede3-cbc', ede3(key), Buffer.alloc(8));
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** Whole blocks under a triple DES key, chained from zero: what stands under a DEK whose type says so. */
export const tripleDesCbc = (key: Buffer, data: Buffer): Buffer => cbc(key, data);

/** Whole blocks under a triple DES key, each by itself: what stands under the DEK. */
export function tripleDesEcb(key: Buffer, data: Buffer): Buffer {
  const blocks = Array.from({ length: data.length / 8 }, (_, i) => desBlock(key, data.subarray(8 * i, 8 * i + 8)));
  return Buffer.concat(blocks);
}

export function publicKeyOf(modulus: Buffer): ReturnType<typeof createPublicKey> {
  const key = { kty: 'RSA', n: modulus.toString('base64url'), e: EXPONENT.toString('base64url') };
  return createPublicKey({ key, format: 'jwk' });
}

/** Session keys, level and counters: wraps commands and opens answers (scp10.md section 6). */
export class Messaging {
  level: number;
  readonly mac: Buffer;
  readonly enc: Buffer;
  counter: bigint;
  /** A separate response MAC key counts apart. */
  readonly responseMac: Buffer | undefined;
  responseCounter: bigint;
  /** What opens answers: the key of the commands unless a test gives them one of their own. */
  responseEnc: Buffer;

  constructor(level: number, mac: Buffer, enc: Buffer, counter = 1n, responseMac?: Buffer, responseCounter = 0n) {
    this.level = level;
    this.mac = mac;
    this.enc = enc;
    this.responseEnc = enc;
    this.counter = counter;
    this.responseMac = responseMac;
    this.responseCounter = responseCounter;
  }

  #initialValue(key: Buffer, counter: bigint): Buffer {
    const block = Buffer.alloc(8);
    block.writeBigUInt64BE(BigInt.asUintN(64, counter));
    return desBlock(key.subarray(0, 8), block);
  }

  /** The protected data field; counts on. */
  field(header: string, data: Uint8Array, le: boolean, ciphered = (this.level & 0x02) !== 0): Buffer {
    const plain = Buffer.from(data);
    const parts: Buffer[] = [];
    if (plain.length > 0) {
      parts.push(ciphered ? tlv('87', '01', cbc(this.enc, pad80(plain))) : tlv('81', plain));
    }
    if (le) parts.push(bytes('970100'));
    return this.#sealed(header, parts);
  }

  /** A ciphered field of whole blocks as they are, for tests of the padding. */
  rawField(header: string, blocks: Buffer): Buffer {
    return this.#sealed(header, [tlv('87', '01', cbc(this.enc, blocks)), bytes('970100')]);
  }

  #sealed(header: string, parts: Buffer[]): Buffer {
    const head = Buffer.concat([bytes(header), bytes('80000000')]);
    const mac = retailMac(this.mac, this.#initialValue(this.mac, this.counter), Buffer.concat([head, ...parts]));
    this.counter += 1n;
    return Buffer.concat([...parts, tlv('8E', mac)]);
  }

  wrap(header: string, data: Uint8Array, le: boolean): Buffer {
    if ((this.level & 0x01) === 0) return apdu(header, data, le);
    const due = le || (this.level & 0x10) !== 0;
    return apdu(protectedHeader(header), this.field(header, data, le), due);
  }

  /** Checks and opens an answer. */
  open(answer: Answer): Answer {
    const good = answer.sw === '9000' || /^6[23]/.test(answer.sw);
    if ((this.level & 0x10) === 0 || !good) return answer;
    const at = answer.data.length - 10;
    expect(hex(answer.data.subarray(at, at + 2)), 'the answer carries a MAC').equal('8E08');
    const covered = answer.data.subarray(0, at);
    const key = this.responseMac ?? this.mac;
    const counter = this.responseMac === undefined ? this.counter : this.responseCounter;
    const mac = retailMac(key, this.#initialValue(key, counter), covered);
    expect(hex(answer.data.subarray(at + 2)), 'MAC of the answer').equal(hex(mac));
    if (this.responseMac === undefined) this.counter += 1n;
    else this.responseCounter += 1n;
    expect(hex(covered.subarray(-4))).equal(`9902${answer.sw}`);
    const object = covered.subarray(0, -4);
    return { data: object.length === 0 ? Buffer.alloc(0) : this.#plain(object), sw: answer.sw };
  }

  #plain(object: Buffer): Buffer {
    const ciphered = (this.level & 0x20) !== 0;
    expect(object[0]).equal(ciphered ? 0x87 : 0x81);
    const first = object[1] ?? 0;
    const value = object.subarray(first < 0x80 ? 2 : first === 0x81 ? 3 : 4);
    if (!ciphered) return value;
    expect(value[0]).equal(0x01);
    const plain = cbc(this.responseEnc, value.subarray(1), true);
    return plain.subarray(0, plain.lastIndexOf(0x80));
  }
}

export const protectedHeader = (header: string): string =>
  (Number.parseInt(header.slice(0, 2), 16) | 0x0c).toString(16).padStart(2, '0') + header.slice(2);

export interface HostOptions {
  readonly level?: number;
  readonly oce?: RsaKey;
  readonly certificates?: Buffer[];
  readonly templates?: Buffer;
  readonly keys?: { mac: Buffer; enc: Buffer; dek: Buffer };
  readonly counter?: bigint;
  readonly internal?: boolean;
}

/** T with a MAC key for both ways, an encryption key for both ways and a data encryption key. */
export function plainTemplates(level: number, mac: Buffer, enc: Buffer, dek: Buffer, counter: bigint): Buffer {
  const start = Buffer.alloc(8);
  start.writeBigUInt64BE(counter);
  return Buffer.concat([
    tlv('D3', Buffer.of(level)),
    tlv('B4', '950130', '800180', tlv('D1', mac), tlv('91', start)),
    tlv('B8', '950130', '800180', tlv('D1', enc)),
    tlv('B8', '9501C0', '800180', tlv('D1', dek)),
  ]);
}

/** The issuer's certificate under the issuer's CA, for key sizes of 1024 unless told otherwise. */
export function issuerCertificate(bits = 1024): Buffer {
  const fields = { issuer: ISSUER_CA, holder: ISSUER, modulus: rsaKey('issuer', bits).n };
  return certificate(fields, rsaKey('issuer ca', bits));
}

/** Commands of an initiation, one by one, so that a test can bend any of them. */
export class Initiation {
  readonly card: TestCard;
  readonly modulus: Buffer;
  readonly oce: RsaKey;
  readonly keys: { mac: Buffer; enc: Buffer; dek: Buffer };
  readonly level: number;
  readonly counter: bigint;
  templates: Buffer;
  challenge: Buffer = Buffer.alloc(0);

  constructor(card: TestCard, modulus: Buffer, options: HostOptions = {}) {
    this.card = card;
    this.modulus = modulus;
    this.oce = options.oce ?? rsaKey('issuer');
    this.keys = options.keys ?? { mac: randomBytes(16), enc: randomBytes(16), dek: randomBytes(16) };
    this.level = options.level ?? 0x33;
    this.counter = options.counter ?? 1n;
    const { mac, enc, dek } = this.keys;
    this.templates = options.templates ?? plainTemplates(this.level, mac, enc, dek, this.counter);
  }

  manage(): Promise<Answer> {
    return this.card.send('0022C1B60480021002');
  }

  certificate(value: Buffer): Promise<Answer> {
    return this.card.isoChain('002A00BE', value);
  }

  decipher(templates = this.templates): Promise<Answer> {
    const key = { key: publicKeyOf(this.modulus), padding: constants.RSA_PKCS1_PADDING };
    return this.card.isoChain('002A8084', publicEncrypt(key, templates));
  }

  async getChallenge(): Promise<Answer> {
    const answer = await this.card.send('0084000000');
    this.challenge = answer.data;
    return answer;
  }

  signature(templates = this.templates, challenge = this.challenge): Buffer {
    return sign('sha1', Buffer.concat([templates, challenge]), this.oce.privateKey);
  }

  /** With bit 04 in T's level: the receiver's modulus stands behind T and challenge. */
  signatureFor(modulus: Buffer): Buffer {
    return this.signature(this.templates, Buffer.concat([this.challenge, modulus]));
  }

  external(signature = this.signature()): Promise<Answer> {
    return this.card.isoChain('00820000', signature);
  }

  /** INTERNAL AUTHENTICATE; checks the card's signature when it answers. */
  async internal(): Promise<Answer> {
    const challenge = randomBytes(16);
    const answer = await this.card.send(apdu('00880000', Buffer.concat([challenge, Buffer.alloc(8)]), true));
    if (answer.sw === '9000') {
      const signed = Buffer.concat([this.keys.mac, this.keys.enc, this.keys.dek, challenge]);
      expect(verify('sha1', signed, publicKeyOf(this.modulus), answer.data), 'signature of the card').equal(true);
    }
    return answer;
  }

  messaging(): Messaging {
    return new Messaging(this.level, this.keys.mac, this.keys.enc, this.counter);
  }
}

/** An initiation up to, not with, EXTERNAL AUTHENTICATE, with bit 04 in the level of T: it names its receiver. */
export async function challengedForReceiver(card: TestCard, level: number): Promise<Initiation> {
  const keys = { mac: randomBytes(16), enc: randomBytes(16), dek: randomBytes(16) };
  const templates = plainTemplates(level | 0x04, keys.mac, keys.enc, keys.dek, 1n);
  const initiation = new Initiation(card, rsaKey('isd').n, { level, keys, templates });
  await initiation.manage();
  await initiation.certificate(issuerCertificate());
  expect((await initiation.decipher()).sw).equal('9000');
  await initiation.getChallenge();
  return initiation;
}

/** An open session: commands in, opened answers out. */
export class Session {
  readonly card: TestCard;
  readonly messaging: Messaging;
  /** Data encryption key: keys in PUT KEY stand under it. */
  readonly dek: Buffer;

  constructor(card: TestCard, messaging: Messaging, dek: Buffer = Buffer.alloc(16)) {
    this.card = card;
    this.messaging = messaging;
    this.dek = dek;
  }

  async send(header: string, data: string | Uint8Array = '', le = false): Promise<Answer> {
    const body = typeof data === 'string' ? bytes(data) : data;
    return this.messaging.open(await this.card.send(this.messaging.wrap(header, body, le)));
  }

  async ok(header: string, data: string | Uint8Array = '', le = false, sw = '9000'): Promise<string> {
    const answer = await this.send(header, data, le);
    expect(answer.sw, header).equal(sw);
    return hex(answer.data);
  }

  /** A command over one APDU's capacity: wrapped once, then cut (applet/README.md 4.1). */
  async sendLong(header: string, data: Uint8Array, le = true, size = 255): Promise<Answer> {
    const field = this.messaging.field(header, data, le);
    return this.messaging.open(await this.card.gpChain(protectedHeader(header), field, size));
  }

  /** STORE DATA in blocks, each wrapped by itself. */
  async storeData(data: Uint8Array, size = 200): Promise<string> {
    const blocks = split(data, size);
    for (const [i, block] of blocks.entries()) {
      const p1 = i === blocks.length - 1 ? '90' : '10';
      const answer = await this.send(`80E2${p1}${i.toString(16).padStart(2, '0')}`, block);
      if (answer.sw !== '9000') return answer.sw;
    }
    return '9000';
  }
}

/** Runs a whole initiation and expects every step to succeed. */
export async function openSession(card: TestCard, modulus: Buffer, options: HostOptions = {}): Promise<Session> {
  const initiation = new Initiation(card, modulus, options);
  expect((await initiation.manage()).sw, 'MSE').equal('9000');
  for (const value of options.certificates ?? [issuerCertificate()]) {
    expect((await initiation.certificate(value)).sw, 'PSO VERIFY CERTIFICATE').equal('9000');
  }
  expect((await initiation.decipher()).sw, 'PSO DECIPHER').equal('9000');
  expect((await initiation.getChallenge()).sw, 'GET CHALLENGE').equal('9000');
  expect((await initiation.external()).sw, 'EXTERNAL AUTHENTICATE').equal('9000');
  if (options.internal ?? true) expect((await initiation.internal()).sw, 'INTERNAL AUTHENTICATE').equal('9000');
  return new Session(card, initiation.messaging(), initiation.keys.dek);
}

/** A session with the issuer's domain of `issuerImage`. */
export function openIssuer(card: TestCard, level = 0x33, bits = 1024): Promise<Session> {
  return openSession(card, rsaKey('isd', bits).n, {
    level,
    oce: rsaKey('issuer', bits),
    certificates: [issuerCertificate(bits)],
  });
}
