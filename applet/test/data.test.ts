// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CASD, ISD, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  generateData,
  openProvider,
  prepare,
  provider,
  putTrustPoint,
  SSD,
} from './support/domains.ts';
import { EXPONENT, extendedPublicKeyData, publicKeyData, rsaKey } from './support/keys.ts';
import { openIssuer, type Session } from './support/scp10-host.ts';
import { bytes, hex, tlv, valueAt } from './support/tlv.ts';

const who = provider('provider a');

async function owner(card: TestCard): Promise<{ session: Session; modulus: Buffer }> {
  const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
  return { session, modulus: await generate(session, '11') };
}

describe('GET DATA', () => {
  it(
    'answers the object under class 80 and its value under class 00',
    withIssuerCard({}, async (card) => {
      for (const [tag, value] of [
        ['0042', '01020304'],
        ['0045', '05060708090A'],
        ['00D3', '00'],
        ['9F7F', '11'.repeat(42)],
        ['00E0', 'C0060110A180A003C0060210A180A003'],
      ] as const) {
        const length = (value.length / 2).toString(16).padStart(2, '0').toUpperCase();
        expect(await card.ok(`80CA${tag}00`)).equal(`${tag.startsWith('00') ? tag.slice(2) : tag}${length}${value}`);
        expect(await card.ok(`00CA${tag}00`)).equal(value);
        expect(await card.ok(`00CB${tag}025C0000`)).equal(value);
      }
      expect(await card.ok('00CB503100')).equal('A406300404027F21');
      expect(await card.ok('80CA5031025C0000')).equal('503108A406300404027F21');
    }),
  );

  it(
    'has both SCP10 options in the card recognition data, also in the answer to SELECT',
    withIssuerCard({ casd: true }, async (card) => {
      const option = (i: string): string => `640B06092A864886FC6B0410${i}`;
      const data = await card.ok('80CA006600');
      expect(data).contain(option('02'));
      expect(data).contain(option('01'));
      const fci = bytes(await card.select(ISD));
      expect(hex(valueAt(fci, '6F', 'A5', '73'))).equal(hex(valueAt(bytes(data), '66', '73')));
      const authority = bytes(await card.select(CASD));
      expect(hex(authority)).not.contain(option('02'));
      expect(await card.ok('80CA004200')).equal('420401020304');
      expect(hex(valueAt(bytes(await card.ok('8047810000')), '7F49', '81'))).equal(hex(rsaKey('casd', 2048).n));
    }),
  );

  it(
    'is 6A88 for what is not there, 6A80 for data it does not know, and refuses other classes',
    withIssuerCard({}, async (card) => {
      for (const tag of ['7F21', '0000', '00C1', '5F20', '5F50', 'FF22', 'FF60']) {
        await card.ok(`80CA${tag}00`, '6A88');
      }
      await card.ok('80CA0042015C00', '6A80');
      await card.ok('80CA0042025D0000', '6A80');
      await card.ok('80CB503100', '6E00');
      await card.ok('C0CA004200', '6881');
      await card.ok('80FE000000', '6D00');
      await card.ok('00C0000000', '6985');
    }),
  );
});

describe('PUT KEY', () => {
  it(
    'takes a trust point in both formats, with and without a holder reference, and replaces it',
    withIssuerCard({}, async (card) => {
      const { session } = await owner(card);
      for (const [kvn, bits] of [
        ['01', 1024],
        ['6f', 2048],
        ['20', 3072],
      ] as const) {
        const key = rsaKey('put', bits);
        for (const data of [
          publicKeyData(kvn, key),
          publicKeyData(kvn, key, who.authority),
          extendedPublicKeyData(kvn, key),
          extendedPublicKeyData(kvn, key, who.authority),
        ]) {
          const answer = await session.sendLong('80D80001', data);
          expect([answer.sw, hex(answer.data)]).deep.equal(['9000', kvn.toUpperCase()]);
        }
        const length = bits === 1024 ? '80' : '00';
        expect(await session.ok('80CA00E0', '', true)).contain(`C00601${kvn.toUpperCase()}A1${length.slice(-2)}A003`);
      }
    }),
  );

  it(
    'lets a trust point without a holder reference take any authority reference',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owner(card);
      await session.sendLong('80D80001', publicKeyData('10', rsaKey(`${who.name} ca`)));
      await openProvider(card, SSD, { ...who, authority: ISSUER_CA }, modulus);
    }),
  );

  const key = rsaKey('put');
  const n = key.n;
  const bad: [string, string, Buffer, string][] = [
    ['KVN 00', '80D80001', publicKeyData('00', key), '6A80'],
    ['KVN 80', '80D80001', publicKeyData('80', key), '6A80'],
    ['no data', '80D80001', Buffer.alloc(0), '6A80'],
    ['a KVN alone', '80D80001', bytes('10'), '6A80'],
    ['no modulus', '80D80001', bytes('10A00301000100'), '6A80'],
    ['no exponent', '80D80001', Buffer.concat([bytes('10'), tlv('A1', n), bytes('00')]), '6A80'],
    ['no check value length', '80D80001', publicKeyData('10', key).subarray(0, -1), '6A80'],
    ['a check value', '80D80001', Buffer.concat([publicKeyData('10', key).subarray(0, -1), bytes('03010203')]), '6A80'],
    ['another exponent', '80D80001', Buffer.concat([bytes('10'), tlv('A1', n), bytes('A0010300')]), '6A80'],
    [
      'another size',
      '80D80001',
      Buffer.concat([bytes('10'), tlv('A1', n.subarray(1)), tlv('A0', EXPONENT), bytes('00')]),
      '6A80',
    ],
    [
      'a modulus without its top bit',
      '80D80001',
      Buffer.concat([bytes('10'), tlv('A1', Buffer.alloc(128, 0x7f)), tlv('A0', EXPONENT), bytes('00')]),
      '6A80',
    ],
    ['a short holder reference', '80D80001', Buffer.concat([publicKeyData('10', key), bytes('5F200101')]), '6A80'],
    ['a byte behind', '80D80001', Buffer.concat([publicKeyData('10', key), bytes('00')]), '6A80'],
    ['format 2 without usage and access', '80D80001', extendedPublicKeyData('10', key).subarray(0, -4), '6A80'],
    [
      'mixed formats',
      '80D80001',
      Buffer.concat([bytes('10FF'), tlv('A1', n), tlv('A0', EXPONENT), bytes('0001820100')]),
      '6A80',
    ],
    ['a length beyond its end', '80D80001', bytes('10A1820080FF'), '6A80'],
    ['an indefinite length', '80D80001', bytes('10A180FFFF0000'), '6A80'],
    ['a symmetric key', '80D80001', bytes('108010000102030405060708090A0B0C0D0E0F00'), '6A80'],
    ['several keys that are no key set', '80D80081', publicKeyData('10', key), '6A80'],
    ['a KVN to replace in P1', '80D81001', publicKeyData('10', key), '6A86'],
    ['a private key after issuance', '80D80002', publicKeyData('11', key), '6982'],
  ];
  for (const [name, header, data, sw] of bad) {
    it(
      `with ${name} is ${sw} and changes nothing`,
      withIssuerCard({}, async (card) => {
        const { session } = await owner(card);
        const before = await session.ok('80CA00E0', '', true);
        expect((await session.sendLong(header, data)).sw).equal(sw);
        expect(await session.ok('80CA00E0', '', true)).equal(before);
      }),
    );
  }
});

describe('The domain certificate', () => {
  it(
    'is refused for another key, another KVN, out of form, or too long',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owner(card);
      const good = domainCertificate(who, modulus);
      const rows: Buffer[] = [
        certificateKeyData('11', domainCertificate(who, rsaKey('stranger').n)),
        certificateKeyData('11', domainCertificate(who, rsaKey('stranger', 2048).n)),
        certificateKeyData('10', good),
        certificateKeyData('11', good).subarray(0, -1),
        certificateKeyData('11', good.subarray(0, -1)),
        Buffer.concat([certificateKeyData('11', good), Buffer.of(0)]),
        certificateKeyData('11', tlv('7F21', '420101')),
        certificateKeyData('11', tlv('7F21', valueAt(good, '7F21'), tlv('5F4E', Buffer.alloc(700)))),
        Buffer.concat([bytes('11FF'), good, bytes('00 0142 0100')]),
      ];
      for (const data of rows) expect((await session.sendLong('80D80002', data)).sw).equal('6A80');
      for (const data of [good.subarray(0, -1), domainCertificate(who, rsaKey('stranger').n), tlv('7F21', '420101')]) {
        expect(await session.storeData(data)).equal('6A80');
      }
      await session.ok('80CA7F21', '', true, '6A88');
      expect((await session.sendLong('80D80002', certificateKeyData('11', good))).sw).equal('9000');
      // a refused one leaves the good one where it is
      expect((await session.sendLong('80D80002', rows[0] ?? good)).sw).equal('6A80');
      expect(await session.ok('80CA7F21', '', true)).equal(hex(good));
    }),
  );

  it(
    'goes with the pair it was for',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owner(card);
      await session.storeData(domainCertificate(who, modulus));
      const next = await generate(session, '12');
      await session.ok('80CA7F21', '', true, '6A88');
      expect(await session.storeData(domainCertificate(who, modulus))).equal('6A80');
      expect(await session.storeData(domainCertificate(who, next))).equal('9000');
    }),
  );
});

describe('STORE DATA', () => {
  it(
    'is all or nothing: unknown objects are 6A88, values out of size 6A80',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      for (const [data, sw] of [
        ['4300', '6A88'],
        ['4203AABBCC 650101', '6A88'],
        [`4203AABBCC 5F2010${'01'.repeat(16)}`, '6A88'],
        ['4203AABBCC 4500', '6A80'],
        [`4203AABBCC 4511${'01'.repeat(17)}`, '6A80'],
        ['4203AABBCC 9F7F020102', '6A80'],
        ['4203AABBCC 7F2103420101', '6A80'],
        ['4203AABBCC 7F2100 7F2100', '6A80'],
        ['4203AABB', '6A80'],
        ['42', '6A80'],
        ['42850000000100', '6A80'],
        ['', '6A80'],
      ] as const) {
        await issuer.ok('80E29000', bytes(data), false, sw);
        expect(await issuer.ok('80CA0042', '', true), data).equal('420401020304');
      }
      await issuer.ok('80E29000', bytes(`9F7F2A${'22'.repeat(42)} 4203AABBCC`));
      expect(await issuer.ok('80CA9F7F', '', true)).equal(`9F7F2A${'22'.repeat(42)}`);
    }),
  );
});

describe('GENERATE ASYMMETRIC KEY PAIR', () => {
  it(
    'is refused out of form and leaves the pair as it is',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owner(card);
      for (const [header, data, sw] of [
        ['80478000', '', '6A80'],
        ['80478000', 'A400', '6A80'],
        ['80478000', 'A40484021103', '6A88'],
        ['80478000', 'A40484020002', '6A80'],
        ['80478000', 'A40484028002', '6A80'],
        ['80478000', 'A403840111', '6A80'],
        ['80478000', 'B60484021102', '6A80'],
        ['80478000', 'A4048402110200', '6A80'],
        ['80478000', hex(generateData('12', 512)), '6A80'],
        ['80478000', hex(generateData('12', 4096)), '6A80'],
        ['80478000', hex(generateData('12', 1025)), '6A80'],
        ['80478000', 'A40784021202910108', '6A80'],
        ['80478001', hex(generateData('12')), '6A86'],
        ['80478200', hex(generateData('12')), '6A86'],
        ['80478100', 'A40484021202', '6A88'],
      ] as const) {
        await session.ok(header, data, true, sw);
      }
      const read = bytes(await session.ok('80478100', 'A40484021102', true));
      expect(hex(valueAt(read, '7F49', '81'))).equal(hex(modulus));
    }),
  );

  it(
    'makes 2048 bits when no size is named, and no two pairs alike',
    withIssuerCard({}, async (card) => {
      const { session } = await owner(card);
      const answer = bytes(await session.ok('80478000', generateData('11'), true));
      expect(valueAt(answer, '7F49', '81').length).equal(256);
      const again = bytes(await session.ok('80478000', generateData('11'), true));
      expect(hex(again)).not.equal(hex(answer));
    }),
  );
});

describe('SET STATUS of a domain by its owner', () => {
  it(
    'makes it PERSONALIZED or locks it, and nothing else',
    withIssuerCard({}, async (card) => {
      const { session } = await owner(card);
      for (const [p2, sw] of [
        ['07', '6985'],
        ['03', '6985'],
        ['1F', '6985'],
        ['0F', '9000'],
        ['0F', '6985'],
        ['07', '6985'],
      ] as const) {
        await session.ok(`80F040${p2}`, SSD, false, sw);
      }
      await session.ok('80F04080', ISD, false, '6A88');
      await session.ok('80F08080', SSD, false, '6985');
      await session.ok('80F04080', SSD);
      await card.select(SSD, '6A82');
      const issuer = await openIssuerAgain(card);
      expect(hex(valueAt(bytes(await issuer.ok('80F24002', '4F00', true)), 'E3', '9F70'))).equal('8F');
      await issuer.ok('80F04000', SSD);
      await card.select(SSD);
    }),
  );

  async function openIssuerAgain(card: TestCard): Promise<Session> {
    await card.select(ISD);
    return openIssuer(card);
  }

  it(
    'tells GET STATUS of itself, with nothing below it',
    withIssuerCard({}, async (card) => {
      const { session } = await owner(card);
      expect(hex(valueAt(bytes(await session.ok('80F24002', '4F00', true)), 'E3', '4F'))).equal(SSD);
      await session.ok('80F24002', tlv('4F', ISD), true, '6A88');
      await session.ok('80F28002', '4F00', true, '6A88');
      await session.ok('80F22002', '4F00', true, '6A88');
      await session.ok('80F24003', '4F00', true, '6985');
      await putTrustPoint(session, '10', rsaKey('put'), who.authority);
    }),
  );
});

describe('Before issuance', () => {
  it(
    'the card maker works in clear until INITIALIZED, and never again',
    withIssuerCard({ lifeCycle: 'OP_READY', casd: true }, async (card) => {
      await card.ok('80E29000074205A0A1A2A3A4');
      expect(await card.ok('80CA004200')).equal('4205A0A1A2A3A4');
      await card.ok('80F08003', '6982');
      await card.ok('80F0807F', '6982');
      await card.ok('80F08007');
      for (const command of ['80E290000442020102', '80F0800F', '80D8000103100000', '80D8000203100000']) {
        await card.ok(command, '6982');
      }
      await card.select(CASD);
      await card.ok('80E290000442020102', '6982');
      await card.ok('80D8000203100000', '6982');
      await card.ok('0022C1B60480021002', '6D00');
      await card.ok('80F24002024F0000', '6D00');
      await card.ok('8047800006A4048402100200', '6985');
    }),
  );

  it(
    'key components out of form are refused',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const start = Buffer.concat([bytes('20'), tlv('A1', rsaKey('put').n), tlv('A0', EXPONENT)]);
      const half = Buffer.alloc(64, 0xc1);
      for (const data of [
        Buffer.concat([start, tlv('A4', half)]),
        Buffer.concat([start, tlv('A4', Buffer.alloc(65, 1)), bytes('00')]),
        Buffer.concat([start, bytes('A40000')]),
        Buffer.concat([start, tlv('A9', half), bytes('00')]),
        Buffer.concat([start, tlv('A4', half), bytes('0000')]),
        Buffer.concat([bytes('20'), tlv('A1', half), tlv('A0', EXPONENT), bytes('00')]),
      ]) {
        expect((await card.gpChain('80D80002', data)).sw).equal('6A80');
      }
      expect(await card.ok('80CA00E000')).equal('E010C0060110A180A003C0060210A180A003');
      await card.ok('80F0800F');
      await openIssuer(card);
    }),
  );
});
