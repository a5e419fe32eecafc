// SPDX-License-Identifier: Apache-2.0
/** A simulated card as the applets' tests use it: APDUs in hex, long commands and answers put together. */
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { certificate, holder, privateKeyData, type RsaKey, rsaKey } from './keys.ts';
import { bytes, hex, tlv } from './tlv.ts';

export const ISD = 'A000000151000000';
export const CASD = 'A00000015153504341534400';
export const LOAD_FILE = 'F06F70656E74736D01';
export const SSD_MODULE = 'F06F70656E74736D0102';

export interface Answer {
  readonly data: Buffer;
  readonly sw: string;
}

export class TestCard {
  readonly simulated: SimulatedCard;

  constructor(simulated: SimulatedCard) {
    this.simulated = simulated;
  }

  /** One APDU, no GET RESPONSE. */
  async exchange(command: string | Uint8Array): Promise<Answer> {
    const answer = Buffer.from(await this.simulated.transmit(typeof command === 'string' ? bytes(command) : command));
    return { data: answer.subarray(0, -2), sw: hex(answer.subarray(-2)) };
  }

  /** One APDU, and GET RESPONSE while there is more. */
  async send(command: string | Uint8Array): Promise<Answer> {
    let answer = await this.exchange(command);
    const parts = [answer.data];
    for (let i = 0; answer.sw.startsWith('61') && i < 16; i++) {
      answer = await this.exchange('00C0000000');
      parts.push(answer.data);
    }
    return { data: Buffer.concat(parts), sw: answer.sw };
  }

  /** Sends and checks the status word; answers the data in hex. */
  async ok(command: string | Uint8Array, sw = '9000'): Promise<string> {
    const answer = await this.send(command);
    expect(answer.sw, typeof command === 'string' ? command : hex(command)).equal(sw);
    return hex(answer.data);
  }

  async select(aid: string, sw = '9000'): Promise<string> {
    return this.ok(apdu('00A40400', aid, true), sw);
  }

  /** ISO command chaining: parts of at most `size` bytes, class bit 10 on all but the last. */
  async isoChain(header: string, data: Uint8Array, size = 255): Promise<Answer> {
    const parts = split(data, size);
    let answer: Answer = { data: Buffer.alloc(0), sw: '' };
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1;
      answer = await this.send(apdu((last ? '0' : '1') + header.slice(1), part));
      if (answer.sw !== '9000') return answer;
    }
    return answer;
  }

  /** Chaining by P1 bit 80, as PUT KEY, INSTALL and DELETE have it. */
  async gpChain(header: string, data: Uint8Array, size = 255): Promise<Answer> {
    const parts = split(data, size);
    let answer: Answer = { data: Buffer.alloc(0), sw: '' };
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1;
      const p1 = Number.parseInt(header.slice(4, 6), 16) | (last ? 0 : 0x80);
      answer = await this.send(
        apdu(header.slice(0, 4) + p1.toString(16).padStart(2, '0') + header.slice(6), part, last),
      );
      if (answer.sw !== '9000') return answer;
    }
    return answer;
  }
}

/** A command APDU: header in hex, data, and Le 00 when a response is due. */
export function apdu(header: string, data: string | Uint8Array = '', le = false): Buffer {
  const body = typeof data === 'string' ? bytes(data) : data;
  const field = body.length > 0 ? [Buffer.of(body.length), body] : [];
  return Buffer.concat([bytes(header), ...field, ...(le ? [Buffer.of(0)] : [])]);
}

export function split(data: Uint8Array, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length || at === 0; at += size) parts.push(Buffer.from(data.subarray(at, at + size)));
  return parts;
}

export function pairImage(reference: string, key: RsaKey): NonNullable<NonNullable<CardImage['isd']>['keyPair']> {
  const { n, p, q, qInv, dP, dQ } = key;
  const numbers = Object.entries({ modulus: n, p, q, qInv, dP, dQ }).map(([name, value]) => [name, hex(value)]);
  return { keyReference: reference, exponent: '010001', ...Object.fromEntries(numbers) };
}

export interface CardOptions {
  readonly bits?: number;
  readonly casd?: boolean;
  readonly lifeCycle?: 'OP_READY' | 'SECURED';
  readonly change?: (image: CardImage) => CardImage;
}

export const IIN = '01020304';
export const CIN = '05060708090A';
export const CASD_SERIAL = '4301';

export const ISSUER = holder('issuer');
export const ISSUER_CA = holder('issuer certification authority');

/** The card maker's certificate of the CASD, bound to this card by IIN and CIN. */
export function casdCertificate(): Buffer {
  const fields = {
    issuer: holder('card maker'),
    holder: holder('casd'),
    authorization: '44',
    discretionary: Buffer.concat([tlv('42', IIN), tlv('45', CIN)]),
    modulus: rsaKey('casd', 2048).n,
    serial: CASD_SERIAL,
  };
  return certificate(fields, rsaKey('card maker', 2048));
}

export function casdImage(): NonNullable<CardImage['casd']> {
  return { aid: CASD, keyPair: pairImage('1002', rsaKey('casd', 2048)), certificate: hex(casdCertificate()) };
}

/** The image of an issuer's card: its domain knows the issuer's CA and the issuer. */
export function issuerImage(options: CardOptions = {}): CardImage {
  const bits = options.bits ?? 1024;
  const image: CardImage = {
    name: 'applet-test',
    atr: '3B9F96801FC78031E073FE211B63E208A8830F900089',
    iccid: null,
    iin: IIN,
    cin: CIN,
    cplc: '11'.repeat(42),
    isd: {
      aid: ISD,
      applicationProviderId: hex(ISSUER),
      trustPoint: {
        holderReference: hex(ISSUER_CA),
        modulus: hex(rsaKey('issuer ca', bits).n),
        exponent: '010001',
      },
    },
    casd: options.casd === true ? casdImage() : null,
    lifeCycle: 'OP_READY',
  };
  return options.change === undefined ? image : options.change(image);
}

/** A mocha test with an issuer's card of its own; SECURED unless told otherwise. */
export function withIssuerCard(options: CardOptions, test: (card: TestCard) => Promise<void>): () => Promise<void> {
  return async () => {
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(issuerImage(options));
    const card = new TestCard(simulated);
    await card.select(ISD);
    for (const part of privateKeyData('10', rsaKey('isd', options.bits))) {
      expect((await card.gpChain('80D80002', part)).sw, 'key pair of the issuer domain').equal('9000');
    }
    if ((options.lifeCycle ?? 'SECURED') === 'SECURED') await card.ok('80F0800F');
    await test(card);
  };
}
