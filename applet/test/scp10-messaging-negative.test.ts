// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { rsaKey } from './support/keys.ts';
import { Initiation, issuerCertificate, openIssuer, protectedHeader, type Session } from './support/scp10-host.ts';
import { bytes, tlv } from './support/tlv.ts';

/** The session is gone for good: even a command that would be good is refused, until SELECT or a new initiation. */
async function expectAborted(session: Session): Promise<void> {
  expect((await session.card.send(session.messaging.wrap('80CA00D3', Buffer.alloc(0), true))).sw).equal('6982');
  await session.card.ok('80CA00D300', '6982');
  await session.card.ok('0084000000', '6982');
}

const flipped = (value: Buffer, at: number): Buffer => {
  const copy = Buffer.from(value);
  copy[at] = (copy[at] ?? 0) ^ 0x80;
  return copy;
};

describe('Protected commands the card refuses with 6982, ending the session', () => {
  const registry = (session: Session): Buffer => session.messaging.wrap('80F28002', bytes('4F00'), true);
  const field = (session: Session, ciphered?: boolean): Buffer =>
    session.messaging.field('80F28002', bytes('4F00'), true, ciphered);
  const send = (data: Buffer): Buffer => apdu('8CF28002', data, true);

  const bad: [string, number, (session: Session) => Buffer][] = [
    ['in plain at level 33', 0x33, () => bytes('80F28002024F0000')],
    ['in plain at level 01', 0x01, () => bytes('80CA00D300')],
    ['with a changed MAC', 0x33, (s) => flipped(registry(s), registry(s).length - 2)],
    ['with a changed cryptogram', 0x33, (s) => flipped(registry(s), 9)],
    ['with another P2', 0x33, (s) => flipped(registry(s), 3)],
    ['with another INS', 0x33, (s) => Buffer.concat([bytes('8CF0'), registry(s).subarray(2)])],
    ['with another class in the MAC', 0x33, (s) => send(s.messaging.field('00F28002', bytes('4F00'), true))],
    ['with the protected class in the MAC', 0x33, (s) => send(s.messaging.field('8CF28002', bytes('4F00'), true))],
    ['without a MAC', 0x33, (s) => send(field(s).subarray(0, -10))],
    ['with a short MAC', 0x33, (s) => send(Buffer.concat([field(s).subarray(0, -10), bytes('8E07'), randomBytes(7)]))],
    ['with a byte behind the MAC', 0x33, (s) => send(Buffer.concat([field(s), Buffer.of(0)]))],
    ['without encryption where the level asks for it', 0x33, (s) => send(field(s, false))],
    ['with encryption alone', 0x33, (s) => apdu('88F28002', field(s).subarray(0, 11), true)],
    ['with a MAC under the class of encryption alone', 0x33, (s) => apdu('88F28002', field(s), true)],
    ['with Le before the data', 0x01, () => send(Buffer.concat([bytes('970100'), bytes('81024F00'), randomBytes(10)]))],
    ['with two data objects', 0x01, (s) => send(Buffer.concat([bytes('81024F00 81024F00'), field(s)]))],
    ['with an object beyond its field', 0x33, () => send(bytes('8750018E08'))],
    ['with no data at all', 0x33, () => apdu('8CF28002', '', true)],
    [
      'with a counter one ahead',
      0x33,
      (s) => {
        s.messaging.counter += 1n;
        return registry(s);
      },
    ],
  ];
  for (const [name, level, make] of bad) {
    it(
      name,
      withIssuerCard({}, async (card) => {
        const session = await openIssuer(card, level);
        await card.ok(make(session), '6982');
        await expectAborted(session);
        await openIssuer(card, level);
      }),
    );
  }

  it(
    'sent twice',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card, 0x33);
      const wrapped = registry(session);
      session.messaging.open(await card.send(wrapped));
      await card.ok(wrapped, '6982');
      await expectAborted(session);
    }),
  );

  it(
    'with bad padding under a good MAC',
    withIssuerCard({}, async (card) => {
      for (const plain of [
        '0000000000000000',
        '80000000000000000000000000000000',
        '4F00800000000001',
        'FFFFFFFFFFFFFFFF',
      ]) {
        const session = await openIssuer(card, 0x33);
        await card.ok(badlyPadded(session, bytes(plain)), '6982');
        await expectAborted(session);
      }
    }),
  );

  it(
    'with a session that is not there, and leaves nothing of an initiation',
    withIssuerCard({}, async (card) => {
      await card.ok('8CCA00660D9701008E082CC1FB2489554C6600', '6982');
      await card.ok('0022C1B60480021002');
      await card.ok('8CCA00660D9701008E082CC1FB2489554C6600', '6982');
      await card.ok('0084000000', '6985');
    }),
  );

  it(
    'under the secure messaging bits of SCP02 and SCP03',
    withIssuerCard({}, async (card) => {
      await card.ok('84CA00660D9701008E082CC1FB2489554C6600', '6982');
      const session = await openIssuer(card);
      await card.ok('84CA00660D9701008E082CC1FB2489554C6600', '6982');
      expect((await session.send('80CA00D3', '', true)).sw).equal('6982');
    }),
  );
});

/** A ciphered object with the given plain blocks, no padding added, under the right MAC. */
function badlyPadded(session: Session, blocks: Buffer): Buffer {
  const { messaging } = session;
  return apdu(protectedHeader('80F28002'), messaging.rawField('80F28002', blocks), true);
}

describe('Templates of PSO DECIPHER the card refuses with 6A80', () => {
  const key = '404142434445464748494A4B4C4D4E4F';
  const mac = (usage = '30'): Buffer => tlv('B4', `9501${usage}`, tlv('D1', key));
  const enc = (usage = '30'): Buffer => tlv('B8', `9501${usage}`, tlv('D1', key));
  const level = (value: string): Buffer => tlv('D3', value);
  const rows: [string, Buffer[]][] = [
    ['encryption of commands without a MAC', [level('02'), mac(), enc()]],
    ['encryption of responses without a MAC', [level('21'), mac(), enc()]],
    ['encryption of responses under the command MAC alone', [level('23'), mac(), enc()]],
    ['a level without its MAC key', [level('01'), enc()]],
    ['a level without its response MAC key', [level('11'), mac('10')]],
    ['a level without its encryption key', [level('03'), mac()]],
    ['a level without its response encryption key', [level('33'), mac(), enc('10')]],
    ['unknown level bits', [level('08'), mac()]],
    ["the card's own level bits", [level('81'), mac()]],
    ['two keys for one use', [level('01'), mac(), mac('10')]],
    ['two keys for one use of encryption', [level('01'), mac(), enc('10'), enc('30')]],
    ['two data encryption keys', [level('01'), mac(), enc('C0'), enc('40')]],
    ['a usage of nothing', [level('01'), mac('00'), mac('10')]],
    ['a MAC key for data encryption', [level('01'), mac('80'), mac('10')]],
    ['mixed usages', [level('01'), mac(), enc('50')]],
    ['a key of 15 bytes', [level('01'), tlv('B4', '950130', tlv('D1', key.slice(2)))]],
    ['a template without a key', [level('01'), tlv('B4', '950130')]],
    ['a template without a usage', [level('01'), tlv('B4', tlv('D1', key))]],
    ['a counter of seven bytes', [level('01'), tlv('B4', '950130', tlv('D1', key), '910700000000000000')]],
    ['a counter with an encryption key', [level('01'), mac(), tlv('B8', '950130', tlv('D1', key), '9100')]],
    ['an unknown object in a template', [level('01'), tlv('B4', '950130', tlv('D1', key), '9200')]],
    ['a template of another kind', [level('01'), tlv('B6', '950130', tlv('D1', key))]],
    ['no level', [mac()]],
    ['a level of two bytes', [level('0101'), mac()]],
    ['a long length field for the level', [bytes('D3810101'), mac()]],
    ['a template cut short', [level('01'), mac().subarray(0, -1)]],
    ['a byte behind the last', [level('01'), mac(), Buffer.of(0)]],
    ['more than the card has room for', [level('01'), ...Array.from({ length: 10 }, () => mac())]],
    ['nothing', []],
  ];
  for (const [name, parts] of rows) {
    it(
      name,
      withIssuerCard({ bits: 2048 }, async (card) => {
        await refuseTemplates(card, Buffer.concat(parts));
      }),
    );
  }

  async function refuseTemplates(card: TestCard, templates: Buffer): Promise<void> {
    const initiation = new Initiation(card, rsaKey('isd', 2048).n, { templates, oce: rsaKey('issuer', 2048) });
    await initiation.manage();
    await initiation.certificate(issuerCertificate(2048));
    expect((await initiation.decipher()).sw).equal('6A80');
    expect((await initiation.getChallenge()).sw).equal('6985');
  }

  it(
    'a block that is not encrypted for this card, or of another length',
    withIssuerCard({}, async (card) => {
      for (const block of [
        randomBytes(128),
        Buffer.alloc(128),
        Buffer.alloc(128, 0xff),
        randomBytes(127),
        randomBytes(256),
      ]) {
        const initiation = new Initiation(card, rsaKey('isd').n);
        await initiation.manage();
        await initiation.certificate(issuerCertificate());
        expect((await card.isoChain('002A8084', block)).sw).equal('6A80');
        expect((await initiation.getChallenge()).sw).equal('6985');
      }
    }),
  );
});
