// SPDX-License-Identifier: Apache-2.0
/** What PUT KEY and DELETE [key] refuse, whole: the keys before are the keys after. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { desSetData, openScp02, randomDesSet } from './support/scp02-host.ts';
import { keySetData, openScp03, randomKeySet, type Scp03Session } from './support/scp03-host.ts';
import { entries, symmetricField } from './support/stored-keys.ts';
import { bytes, tlv } from './support/tlv.ts';

const plain = (key: Buffer): Buffer => key;

function withSet(test: (card: TestCard, session: Scp03Session) => Promise<void>): () => Promise<void> {
  return withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
    const set = randomKeySet('30');
    await card.ok(apdu('80D80081', keySetData(set, plain), true));
    await card.ok('80F0800F');
    await test(card, await openScp03(card, set));
  });
}

const modulus = (length: number): Buffer => Buffer.alloc(length, 0xc5);
const rsaField = (kvn: string, length: number, exponent: string): Buffer =>
  Buffer.concat([bytes(kvn), tlv('A1', modulus(length)), tlv('A0', exponent), bytes('00')]);
/** Modulus and private exponent, which nothing verifies by; the secret's blocks are as good as any. */
const privateField = (kvn: string): Buffer =>
  Buffer.concat([bytes(kvn), tlv('A1', modulus(128)), tlv('A3', modulus(128)), bytes('00')]);

describe('PUT KEY refuses', () => {
  it(
    'what is out of form, under a wrong version or identifier, or has a wrong check value',
    withSet(async (_card, session) => {
      const seal = (key: Buffer): Buffer => session.seal(key);
      const before = await session.ok('80CA00E0');
      const set = (kvn: string): Buffer => keySetData(randomKeySet(kvn), seal);
      const wrong = set('31');
      wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
      const aes = (length: number): Buffer => tlv('88', seal(randomBytes(length)));
      const point = tlv('B0', '04', randomBytes(64));
      const shared = (type: string, check: string): Buffer =>
        Buffer.concat([bytes('40'), tlv(type, seal(randomBytes(16))), bytes(check)]);
      for (const [name, header, value, sw] of [
        ['a wrong check value in the last of three', '80D80081', wrong, '6982'],
        ['version 00', '80D80081', set('00'), '6A80'],
        ['a version above 7F', '80D80081', set('80'), '6A80'],
        ['the initial version', '80D80081', set('FF'), '6A80'],
        ['no identifier', '80D80080', set('31'), '6A86'],
        ['a byte behind', '80D80081', Buffer.concat([set('31'), Buffer.of(0)]), '6A80'],
        ['identifiers beyond 7F', '80D800FE', set('31'), '6A80'],
        ['a set to replace that is not there', '80D83581', set('31'), '6A88'],
        ['a key to replace that is not there', '80D83004', set('30').subarray(0, 1 + 23), '6A88'],
        ['no check value', '80D80001', Buffer.concat([bytes('31'), aes(16), bytes('00')]), '6A80'],
        ['an AES key of eight bytes', '80D80001', Buffer.concat([bytes('31'), aes(48), bytes('03000000')]), '6A80'],
        ['an unknown type', '80D80001', Buffer.concat([bytes('31'), tlv('8F', randomBytes(16)), bytes('00')]), '6A80'],
        [
          'a check value where none is',
          '80D80001',
          Buffer.concat([bytes('70'), point, bytes('F00100 03112233')]),
          '6A80',
        ],
        ['a wrong check value of a pre-shared key', '80D80001', shared('85', '03112233'), '6982'],
        ['a short check value of a pre-shared key', '80D80001', shared('85', '021122'), '6A80'],
        ['a check value of an HMAC key', '80D80001', shared('90', '03112233'), '6A80'],
        ['a modulus alone', '80D80003', Buffer.concat([bytes('70'), tlv('A1', randomBytes(64)), bytes('00')]), '6A80'],
        ['an exponent first', '80D80003', bytes('70 A003010001 00'), '6A80'],
        ['a token key of another exponent', '80D80001', rsaField('70', 128, '03'), '6A80'],
        ['a token key of 1536 bits', '80D80001', rsaField('70', 192, '010001'), '6A80'],
        ['a DAP key of another exponent', '80D80001', rsaField('73', 128, '03'), '6A80'],
        ['a DAP key that is private', '80D80001', privateField('73'), '6A80'],
        ['an empty key', '80D80001', bytes('31 8800 03000000'), '6A80'],
        ['a length past the end', '80D80001', bytes('31 88FF00'), '6A80'],
        ['the reference of the pair', '80D80002', Buffer.concat([bytes('10'), set('31').subarray(1, 24)]), '6A80'],
        ['nothing', '80D80081', '', '6A80'],
      ] as const) {
        expect((await session.send(header, value)).sw, name).equal(sw);
        expect(await session.ok('80CA00E0'), name).equal(before);
      }
    }),
  );

  it(
    'an RSA key of another exponent where one verifies tokens or DAPs, and takes it elsewhere',
    withSet(async (_card, session) => {
      for (const [p2, kvn] of [
        ['01', '71'],
        ['02', '70'],
        ['03', '73'],
        ['03', '50'],
      ] as const) {
        expect((await session.send(`80D800${p2}`, rsaField(kvn, 128, '03'))).sw, `${kvn} ${p2}`).equal('9000');
      }
      expect((await session.send('80D80001', rsaField('70', 128, '010001'))).sw).equal('9000');
    }),
  );

  it(
    'a replacement of another type or size, and one whose new place is taken',
    withSet(async (_card, session) => {
      expect((await session.putKeySet(randomKeySet('30', 32), '30')).sw).equal('6A80');
      const des = desSetData(randomDesSet('30'), (key) => session.seal(key));
      expect((await session.send('80D83081', des)).sw).equal('6A80');
      expect((await session.putKeySet(randomKeySet('31'))).sw).equal('9000');
      expect((await session.putKeySet(randomKeySet('31'), '30')).sw).equal('6A80');
    }),
  );

  it(
    'one key too many: not enough memory, and nothing of that command stays',
    withSet(async (_card, session) => {
      let sw = '9000';
      let before = '';
      for (let kvn = 0x31; sw === '9000' && kvn < 0x60; kvn++) {
        before = await session.ok('80CA00E0');
        sw = (await session.putKeySet(randomKeySet(kvn.toString(16)))).sw;
      }
      expect(sw).equal('6A84');
      expect(await session.ok('80CA00E0')).equal(before);
      expect(entries(before).length).within(20, 44);
      await session.ok('80E40000', 'D20131');
      expect((await session.putKeySet(randomKeySet('5F'))).sw).equal('9000');
    }),
  );

  it(
    'anything without a session of the owner, and under a session of no MAC',
    withSet(async (card) => {
      const field = symmetricField({ type: '88', value: randomBytes(16) }, plain, 16, true);
      await card.select('A000000151000000');
      await card.ok(apdu('80D80001', Buffer.concat([bytes('70'), field]), true), '6982');
      await card.ok(apdu('80E40000', 'D20130', true), '6982');
    }),
  );
});

describe('DELETE [key]', () => {
  it(
    'takes out what version, identifier or both name, and answers 00',
    withSet(async (_card, session) => {
      for (const kvn of ['31', '32']) expect((await session.putKeySet(randomKeySet(kvn))).sw).equal('9000');
      const left = async (): Promise<string[]> =>
        entries(await session.ok('80CA00E0'))
          .filter((entry) => entry.startsWith('88', 4))
          .map((entry) => entry.slice(2, 4) + entry.slice(0, 2));
      expect(await session.ok('80E40000', 'D00103D20132')).equal('00');
      expect(await left()).deep.equal(['3001', '3002', '3003', '3101', '3102', '3103', '3201', '3202']);
      expect(await session.ok('80E40000', 'D20131')).equal('00');
      expect(await session.ok('80E40001', 'D20132D00101')).equal('00');
      expect(await left()).deep.equal(['3001', '3002', '3003', '3202']);
      expect(await session.ok('80E40000', 'D20132')).equal('00');
      expect(await left()).deep.equal(['3001', '3002', '3003']);
    }),
  );

  it(
    'refuses what is not there or out of form, and the last way into the domain',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const set = randomDesSet('20');
      await card.ok(apdu('80D80081', desSetData(set, plain), true));
      await card.ok('80F0800F');
      const session = await openScp02(card, set);
      const before = await session.ok('80CA00E0');
      for (const [data, sw] of [
        ['D20131', '6A88'],
        ['D00105', '6A88'],
        ['D00101D20110D20110', '6A80'],
        ['D20100', '6A80'],
        ['D2022020', '6A80'],
        ['D201', '6A80'],
        ['D2', '6A80'],
        ['D20120C000', '6A80'],
      ] as const) {
        expect((await session.send('80E40000', data)).sw, data).equal(sw);
      }
      expect((await session.send('80E40002', 'D20120')).sw).equal('6A86');
      expect(await session.ok('80CA00E0')).equal(before);
      await session.ok('80E40000', 'D20110');
      expect(entries(await session.ok('80CA00E0')).length).equal(3);
      await session.ok('80E40000', 'D20120', '6985');
      await session.ok('80E40000', 'D00102', '6985');
      await openScp02(card, set);
    }),
  );
});
