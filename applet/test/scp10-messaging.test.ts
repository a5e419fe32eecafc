// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type CardOptions, type TestCard, withIssuerCard } from './support/card.ts';
import { rsaKey } from './support/keys.ts';
import { keySetData, randomKeySet } from './support/scp03-host.ts';
import {
  Initiation,
  issuerCertificate,
  Messaging,
  openIssuer,
  openSession,
  plainTemplates,
  Session,
  tripleDesCbc,
  tripleDesEcb,
} from './support/scp10-host.ts';
import { bytes, tlv } from './support/tlv.ts';

/** Nothing here asks for a MAC of the card's own. */
const withoutMac: CardOptions = {
  change: (image) => ({ ...image, lacks: ['Signature.ALG_DES_MAC8_ISO9797_1_M2_ALG3'] }),
};

const isd = (): Buffer => rsaKey('isd').n;

/** Opens with templates of the test's own. */
async function openWith(card: TestCard, templates: Buffer): Promise<void> {
  const initiation = new Initiation(card, isd(), { templates });
  await initiation.manage();
  await initiation.certificate(issuerCertificate());
  expect((await initiation.decipher()).sw).equal('9000');
  await initiation.getChallenge();
  expect((await initiation.external()).sw).equal('9000');
}

describe('Secure messaging of an open session', () => {
  it(
    'takes the wrapped commands of scp10.md section 8, on a card without the MAC too',
    withIssuerCard(withoutMac, async (card) => {
      const keys = {
        mac: bytes('404142434445464748494A4B4C4D4E4F'),
        enc: bytes('505152535455565758595A5B5C5D5E5F'),
        dek: bytes('606162636465666768696A6B6C6D6E6F'),
      };
      const open = (level: number) => openSession(card, isd(), { keys, level, certificates: [issuerCertificate()] });
      await open(0x01);
      await card.ok('8CF240021181024F009701008E08DD15463EFAD76FE600', '6A88');
      await open(0x03);
      await card.ok('8CF2400218870901CB245CAEBE2B21D99701008E08E1209E1B873C674500', '6A88');
      await open(0x01);
      await card.ok('8CCA00660D9701008E082CC1FB2489554C6600');
      await open(0x01);
      await card.ok('8CF0800F0A8E082B70CE7F50F48802', '6985');
    }),
  );

  it(
    'counts command and response MACs in one line under one key, and goes over a byte boundary',
    withIssuerCard({}, async (card) => {
      const session = await openSession(card, isd(), { counter: 0xfffffffffffffffdn, level: 0x33 });
      for (let i = 0; i < 6; i++) expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
      const [mac, enc, dek] = [randomBytes(16), randomBytes(16), randomBytes(16)];
      await openWith(card, plainTemplates(0x11, mac, enc, dek, 0x00ffn));
      const next = new Session(card, new Messaging(0x11, mac, enc, 0x00ffn));
      for (let i = 0; i < 3; i++) expect(await next.ok('80CA00D3', '', true)).equal('D30191');
    }),
  );

  it(
    'counts apart under separate MAC keys, from zero when no counter is given',
    withIssuerCard({}, async (card) => {
      const [command, response, enc] = [randomBytes(16), randomBytes(16), randomBytes(16)];
      const templates = Buffer.concat([
        tlv('D3', '13'),
        tlv('B4', '950110', tlv('D1', command), tlv('91', '0000000000000100')),
        tlv('B4', '950120', tlv('D1', response), '9100'),
        tlv('B8', '950110', tlv('D1', enc)),
      ]);
      await openWith(card, templates);
      const session = new Session(card, new Messaging(0x13, command, enc, 0x100n, response, 0n));
      for (let i = 0; i < 3; i++) expect(await session.ok('80CA00D3', '', true)).equal('D30193');
      await session.ok('80E40000', '4F05A000000001', true, '6A88');
      // an error is bare and takes no value of the response counter
      expect(await session.ok('80CA00D3', '', true)).equal('D30193');
    }),
  );

  it(
    'works with keys of 24 bytes',
    withIssuerCard(withoutMac, async (card) => {
      const [mac, enc, dek] = [randomBytes(24), randomBytes(24), randomBytes(24)];
      await openWith(card, plainTemplates(0x33, mac, enc, dek, 7n));
      const session = new Session(card, new Messaging(0x33, mac, enc, 7n));
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
      await session.ok('80E29000', '4203AABBCC');
      expect(await session.ok('80CA0042', '', true)).equal('4203AABBCC');
    }),
  );

  it(
    'opens keys under the DEK in the mode that its key type names',
    withIssuerCard({}, async (card) => {
      const [mac, enc, dek] = [randomBytes(16), randomBytes(16), randomBytes(16)];
      for (const [type, seal] of [
        ['800180', tripleDesEcb],
        ['', tripleDesEcb],
        ['800183', tripleDesEcb],
        ['800182', tripleDesCbc],
        ['800184', tripleDesCbc],
      ] as const) {
        const templates = [
          ...[tlv('D3', '33'), tlv('B4', '950130', tlv('D1', mac)), tlv('B8', '950130', tlv('D1', enc))],
          tlv('B8', '9501C0', type, tlv('D1', dek)),
        ];
        await openWith(card, Buffer.concat(templates));
        const session = new Session(card, new Messaging(0x33, mac, enc, 0n));
        const put = keySetData(randomKeySet('30'), (key) => seal(dek, key));
        expect((await session.sendLong('80D80081', put)).sw, type).equal('9000');
      }
    }),
  );

  it(
    'opens a ciphered command beyond the level, and a protected one at level 00',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card, 0x01);
      const field = session.messaging.field('80F28002', bytes('4F00'), true, true);
      const answer = await card.send(Buffer.concat([bytes('8CF28002'), Buffer.of(field.length), field, Buffer.of(0)]));
      expect(answer.sw).equal('9000');
      const open = await openIssuer(card, 0x00);
      const beyond = open.messaging.field('80CA00D3', bytes(''), true);
      expect(await card.ok(Buffer.concat([bytes('8CCA00D3'), Buffer.of(beyond.length), beyond, Buffer.of(0)]))).equal(
        'D30180',
      );
    }),
  );

  it(
    'cuts a long protected answer as a whole',
    withIssuerCard({ bits: 2048 }, async (card) => {
      const session = await openIssuer(card, 0x33, 2048);
      const answer = await card.exchange(session.messaging.wrap('80478100', Buffer.alloc(0), true));
      expect(answer.data.length).equal(256);
      expect(answer.sw).match(/^61/);
      const rest = await card.exchange('00C0000000');
      expect(rest.sw).equal('9000');
      const whole = session.messaging.open({ data: Buffer.concat([answer.data, rest.data]), sw: rest.sw });
      expect(whole.data.length).equal(5 + 4 + 256 + 5);
      await card.ok('00C0000000', '6985');
    }),
  );
});
