// SPDX-License-Identifier: Apache-2.0
import { constants, createHash, privateDecrypt, privateEncrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { type RsaKey, rsaKey } from './support/keys.ts';
import { desSetData, randomDesSet } from './support/scp02-host.ts';
import { issuerCertificate, Messaging, publicKeyOf, Session, tripleDesEcb } from './support/scp10-host.ts';
import { bytes, tlv } from './support/tlv.ts';

const NO_PADDING = constants.RSA_NO_PADDING;
const OCE_IDENTITY = bytes('A1A2A3A4A5A6A7A8');
/** The issuer domain of these cards has no certificate: its identity is zero (scp10.md 4.1). */
const CARD_IDENTITY = Buffer.alloc(8);

const sha1 = (...parts: Buffer[]): Buffer => createHash('sha1').update(Buffer.concat(parts)).digest();
const number = (value: Buffer): bigint => BigInt(`0x${value.toString('hex')}`);
const octets = (value: bigint, size: number): Buffer => Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
const sign = (key: RsaKey, block: Buffer): Buffer =>
  privateEncrypt({ key: key.privateKey, padding: NO_PADDING }, block);
const encrypt = (n: Buffer, block: Buffer): Buffer =>
  publicEncrypt({ key: publicKeyOf(n), padding: NO_PADDING }, block);

/** The smaller of a signature and its complement. */
function smaller(signature: Buffer, n: Buffer): Buffer {
  const [s, modulus] = [number(signature), number(n)];
  return octets(s < modulus - s ? s : modulus - s, n.length);
}

/** Opens a signature that may be the complement. */
function recover(n: Buffer, signature: Buffer): Buffer {
  const block = encrypt(n, signature);
  return block[0] === 0x6a && block.at(-1) === 0xbc ? block : octets(number(n) - number(block), n.length);
}

interface Bend {
  readonly templates?: Buffer;
  readonly identity?: Buffer;
  readonly challenge?: Buffer;
  readonly trailer?: number;
  readonly filler?: (size: number) => Buffer;
}

const templatesOf = (level: string): Buffer => bytes(`D301${level}B406950130800180B806950130800180B8069501C0800180`);

class Agreement {
  readonly card: TestCard;
  readonly oce: RsaKey;
  readonly sd: RsaKey;
  readonly bits: number;
  readonly secret = randomBytes(32);
  challenge: Buffer = Buffer.alloc(0);

  constructor(card: TestCard, bits: number) {
    this.card = card;
    this.bits = bits;
    this.oce = rsaKey('issuer', bits);
    this.sd = rsaKey('isd', bits);
  }

  async begin(): Promise<void> {
    await this.card.ok('0022C1B60480021001');
    expect((await this.card.isoChain('002A00BE', issuerCertificate(this.bits))).sw).equal('9000');
    this.challenge = bytes(await this.card.ok('0084000000'));
    expect(this.challenge.length).equal(8);
  }

  block(templates: Buffer, bend: Bend = {}): Buffer {
    const room = this.bits / 8 - 2 - 20 - 32 - templates.length;
    const message = Buffer.concat([bend.filler?.(room) ?? randomBytes(room), templates, this.secret]);
    const hash = sha1(message, bend.challenge ?? this.challenge, bend.identity ?? CARD_IDENTITY);
    return Buffer.concat([Buffer.of(0x6a), message, hash, Buffer.of(bend.trailer ?? 0xbc)]);
  }

  external(level: string, bend: Bend = {}): Promise<Answer> {
    const signature = smaller(sign(this.oce, this.block(bend.templates ?? templatesOf(level), bend)), this.oce.n);
    return this.card.isoChain('00820000', encrypt(this.sd.n, signature));
  }

  /** INTERNAL AUTHENTICATE, the card's signature checked and the keys derived (Table F-12). */
  async internal(level: number): Promise<Session> {
    const { key, counter } = await this.derived();
    return new Session(this.card, new Messaging(level, key(1), key(2), counter));
  }

  /** As `internal`: the key under each counter of Table F-12, and where MACs begin to count. */
  async derived(): Promise<{ readonly key: (counter: number) => Buffer; readonly counter: bigint }> {
    const challenge = randomBytes(8);
    const answer = await this.card.send(apdu('00880000', Buffer.concat([challenge, OCE_IDENTITY]), true));
    expect(answer.sw).equal('9000');
    const signature = privateDecrypt({ key: this.oce.privateKey, padding: NO_PADDING }, answer.data);
    const block = recover(this.sd.n, signature);
    const message = block.subarray(1, -21);
    expect(block.subarray(-21, -1).equals(sha1(message, challenge, OCE_IDENTITY)), 'hash of the card').equal(true);
    const cardSecret = message.subarray(-32);
    const mixed = Buffer.from(this.secret.map((byte, i) => byte ^ (cardSecret[i] ?? 0)));
    const key = (i: number): Buffer => sha1(mixed, octets(BigInt(i), 4)).subarray(0, 16);
    const counter = Buffer.concat([cardSecret.subarray(-4), this.secret.subarray(-4)]).readBigUInt64BE();
    return { key, counter };
  }
}

describe('Key agreement, SCP10 option 01', () => {
  for (const bits of [1024, 2048, 3072]) {
    it(
      `opens a session with RSA ${bits}`,
      withIssuerCard({ bits }, async (card) => {
        // several times: signatures come from either half of the modulus
        for (let i = 0; i < 6; i++) {
          const agreement = new Agreement(card, bits);
          await agreement.begin();
          expect((await agreement.external('33')).sw).equal('9000');
          const session = await agreement.internal(0x33);
          expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
          await session.ok('80F28002', '4F00', true);
        }
      }),
    );
  }

  it(
    'finds the templates behind random bytes that look like some',
    withIssuerCard({}, async (card) => {
      const agreement = new Agreement(card, 1024);
      await agreement.begin();
      const filler = (size: number): Buffer => Buffer.alloc(size, bytes('D30100'));
      expect((await agreement.external('11', { filler })).sw).equal('9000');
      expect(await (await agreement.internal(0x11)).ok('80CA00D3', '', true)).equal('D30191');
    }),
  );

  for (const [first, templates, [mac, responseMac, enc, responseEnc, dek]] of [
    ['commands', 'D30133 B403950110 B403950120 B803950110 B803950120 B803950180 B803950140', [1, 3, 2, 4, 5]],
    ['answers', 'D30133 B403950120 B403950110 B803950120 B803950110 B803950140 B803950180', [3, 1, 4, 2, 6]],
  ] as const)
    it(
      `derives later keys under the later counters, where the keys of ${first} come first`,
      withIssuerCard({}, async (card) => {
        const agreement = new Agreement(card, 1024);
        await agreement.begin();
        expect((await agreement.external('33', { templates: bytes(templates) })).sw).equal('9000');
        const { key, counter } = await agreement.derived();
        const messaging = new Messaging(0x33, key(mac), key(enc), counter, key(responseMac), counter);
        messaging.responseEnc = key(responseEnc);
        const session = new Session(card, messaging);
        expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
        expect(await session.ok('80F28002', '4F00', true)).to.match(/^E3/);
        const set = randomDesSet('20');
        const field = desSetData(set, (plain) => tripleDesEcb(key(dek), plain));
        await session.ok('80D80081', field, true);
      }),
    );

  const bad: [string, Bend][] = [
    ['another challenge', { challenge: Buffer.alloc(8) }],
    ['another card', { identity: Buffer.alloc(8, 1) }],
    ['another trailer', { trailer: 0xcc }],
    ['encryption without a MAC', { templates: bytes('D30102B403950130B803950130') }],
    ['a level without its key', { templates: bytes('D30101') }],
    ['a key inside a template', { templates: tlvTemplates() }],
    ['a level that names a receiver, as key transport does', { templates: templatesOf('37') }],
    ['no templates', { templates: Buffer.alloc(0) }],
  ];
  for (const [name, bend] of bad) {
    it(
      `refuses a block for or with ${name}: 6300, and nothing is left`,
      withIssuerCard({}, async (card) => {
        const agreement = new Agreement(card, 1024);
        await agreement.begin();
        const filler = (size: number): Buffer => Buffer.alloc(size, 0x55);
        expect((await agreement.external('33', { filler, ...bend })).sw).equal('6300');
        await card.ok('0084000000', '6985');
      }),
    );
  }

  it(
    'refuses DECIPHER, random blocks and anything but INTERNAL AUTHENTICATE after EXTERNAL',
    withIssuerCard({}, async (card) => {
      const agreement = new Agreement(card, 1024);
      await agreement.begin();
      await card.ok(apdu('002A8084', randomBytes(128)), '6985');
      await card.ok('0084000000', '6985');
      for (const block of [randomBytes(128), Buffer.alloc(128), Buffer.alloc(128, 0xff), randomBytes(64)]) {
        await agreement.begin();
        expect((await card.isoChain('00820000', block)).sw).equal('6300');
      }
      await agreement.begin();
      await agreement.external('33');
      await card.ok('80CA00D300', '6982');
      await card.ok(apdu('00880000', Buffer.alloc(16), true), '6982');
      await agreement.begin();
      await agreement.external('33');
      await card.ok(apdu('00880000', Buffer.alloc(15), true), '6A80');
      await card.ok('80CA00D300', '6982');
    }),
  );
});

function tlvTemplates(): Buffer {
  return Buffer.concat([bytes('D30101'), tlv('B4', '950130', tlv('D1', Buffer.alloc(16, 0x40)))]);
}
