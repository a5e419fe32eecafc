// SPDX-License-Identifier: Apache-2.0
/** PUT KEY of every key type in both encodings, under each protocol's DEK (GPCS 11.8). */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, ISD, withIssuerCard } from './support/card.ts';
import { aes, des, withSets } from './support/key-sets.ts';
import { rsaKey } from './support/keys.ts';
import { desSetData, openScp02, randomDesSet, type Scp02Session } from './support/scp02-host.ts';
import { keySetData, openScp03, randomKeySet, type Scp03Session } from './support/scp03-host.ts';
import { entries, kcv, type SymmetricKey, secret, symmetricField } from './support/stored-keys.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

const plain = (key: Buffer): Buffer => key;
const SYMMETRIC: readonly SymmetricKey[] = [
  ['80', 16],
  ['80', 24],
  ['82', 16],
  ['83', 16],
  ['84', 24],
  ['85', 16],
  ['85', 32],
  ['85', 20],
  ['88', 16],
  ['88', 24],
  ['88', 32],
  ['90', 20],
  ['91', 32],
  ['91', 64],
].map(([type, length]) => ({ type: String(type), value: randomBytes(Number(length)) }));

const hexLength = (length: number): string => length.toString(16).padStart(2, '0').toUpperCase();

async function putAll(session: Scp02Session | Scp03Session, block: number): Promise<void> {
  const seal = (data: Buffer): Buffer => session.seal(data);
  for (const [i, key] of SYMMETRIC.entries()) {
    for (const withLength of [true, false]) {
      const id = hexLength(i + 1);
      const data = Buffer.concat([bytes('40'), symmetricField(key, seal, block, withLength)]);
      const answer = await session.ok(`80D800${id}`, data);
      expect(answer, `${key.type} ${key.value.length}`).equal(`40${hex(kcv(key))}`);
      const type = ['82', '83', '84'].includes(key.type) ? '80' : key.type;
      expect(entries(await session.ok('80CA00E0'))).include(`${id}40${type}${hexLength(key.value.length)}`);
      await session.ok('80E40000', `D001${id}D20140`);
    }
  }
}

describe('PUT KEY takes', () => {
  it(
    'every symmetric type under SCP02, with the length before the key and without',
    withSets(async (card) => putAll(await openScp02(card, des, 0x03), 8)),
  );

  it(
    'every symmetric type under SCP03, with the length before the key and without',
    withSets(async (card) => putAll(await openScp03(card, aes, 0x33), 16)),
  );

  it(
    'RSA and ECC keys, format 1 and 2, and says in E0 what they are',
    withSets(async (card) => {
      const session = await openScp03(card, aes, 0x03);
      const { n } = rsaKey('token');
      const point = Buffer.concat([Buffer.of(0x04), randomBytes(64)]);
      const d = randomBytes(128);
      const seal = (data: Buffer): Buffer => session.seal(data);
      const cases: [string, Buffer, string][] = [
        ['01', Buffer.concat([tlv('A1', n), tlv('A0', '010001'), bytes('00')]), '0170A180A003'],
        ['02', Buffer.concat([tlv('FFA1', n), tlv('FFA0', '010001'), bytes('00 0181 0101')]), '0270A180A003'],
        ['03', Buffer.concat([tlv('B0', point), bytes('F001 00 00')]), '0370B041F000'],
        [
          '04',
          Buffer.concat([tlv('B1', secret(randomBytes(32), seal, 16, false)), bytes('F001 00 00')]),
          '0470B120F000',
        ],
        [
          '05',
          Buffer.concat([tlv('B1', secret(randomBytes(66), seal, 16, true)), bytes('F001 02 00')]),
          '0570B142F002',
        ],
        ['06', Buffer.concat([tlv('A1', n), tlv('A3', secret(d, seal, 16, true)), bytes('00')]), '0670A180A380'],
      ];
      for (const [id, field, entry] of cases) {
        expect(await session.ok(`80D800${id}`, Buffer.concat([bytes('70'), field])), entry).equal('70');
        expect(entries(await session.ok('80CA00E0'))).include(entry);
        await session.ok('80E40000', `D001${id}D20170`);
      }
      const curve = Buffer.concat(['B2', 'B3', 'B4', 'B5', 'B6'].map((type) => tlv(type, randomBytes(32))));
      const parameters = await session.ok(
        '80D80007',
        Buffer.concat([bytes('70 F001 10'), curve, tlv('B7', '01'), bytes('00')]),
      );
      expect(parameters).equal('70');
    }),
  );

  it(
    'a CRT key of five components, each under the DEK, in parts of more than one command',
    withSets(async (card) => {
      for (const open of [
        () => openScp02(card, des, 0x01),
        () => openScp02(card, des, 0x03),
        () => openScp03(card, aes, 0x33),
      ]) {
        const session = await open();
        const components = ['A4', 'A5', 'A6', 'A7', 'A8'].map((type) => tlv(type, session.seal(randomBytes(64))));
        const data = Buffer.concat([bytes('71'), ...components, bytes('00')]);
        expect(data.length).above(255);
        expect(await session.ok('80D80003', data)).equal('71');
        expect(entries(await session.ok('80CA00E0'))).include('0371A440A540A640A740A840');
        await session.ok('80E40000', 'D00103D20171');
      }
    }),
  );

  it(
    'several keys of several types in one command',
    withSets(async (card) => {
      const session = await openScp02(card, des, 0x03);
      const seal = (data: Buffer): Buffer => session.seal(data);
      const psk = { type: '85', value: randomBytes(16) };
      const key = { type: '80', value: randomBytes(16) };
      // a pre-shared key's check value may be left out
      const unchecked = Buffer.concat([tlv('85', secret(psk.value, seal, 8, true)), bytes('00')]);
      for (const [field, check] of [
        [symmetricField(psk, seal, 8, false), hex(kcv(psk))],
        [unchecked, ''],
      ] as const) {
        const data = Buffer.concat([bytes('40'), field, symmetricField(key, seal, 8, false)]);
        expect(await session.ok('80D80081', data)).equal(`40${check}${hex(kcv(key))}`);
        expect(entries(await session.ok('80CA00E0'))).include.members(['01408510', '02408010']);
      }
    }),
  );

  it(
    'AES sets under SCP02 and DES sets under SCP03, which open sessions of the other protocol',
    withSets(async (card) => {
      const scp02 = await openScp02(card, des, 0x03);
      const large = randomKeySet('31', 32);
      expect(
        (
          await scp02.send(
            '80D80081',
            keySetData(large, (key) => scp02.seal(key)),
          )
        ).sw,
      ).equal('9000');
      const scp03 = await openScp03(card, large, 0x33);
      const other = randomDesSet('21');
      expect(
        (
          await scp03.send(
            '80D80081',
            desSetData(other, (key) => scp03.seal(key)),
          )
        ).sw,
      ).equal('9000');
      await openScp02(card, other, 0x03);
    }),
  );

  it(
    'a replacement of the set in use, whose counter starts anew',
    withSets(async (card) => {
      const session = await openScp03(card, aes, 0x33);
      const next = randomKeySet('30');
      expect((await session.putKeySet(next, '30')).sw).equal('9000');
      expect(await session.ok('80CA00C1')).equal('C1020000');
      await openScp03(card, next);
      const moved = randomKeySet('32');
      const again = await openScp03(card, next);
      expect((await again.putKeySet(moved, '30')).sw).equal('9000');
      await openScp03(card, moved);
      await card.ok(apdu('80503000', Buffer.alloc(8), true), '6A88');
    }),
  );

  it('the first set beside the initial one of the card maker, whatever the protocol', async () => {
    const initial = randomDesSet('FF');
    await withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      await card.ok(apdu('80D80081', desSetData(initial, plain), true));
      await card.ok('80F0800F');
      const session = await openScp02(card, initial);
      // token and OTA keys open nothing: the initial set stays
      const token = symmetricField({ type: '80', value: randomBytes(16) }, (key) => session.seal(key), 8, false);
      await session.ok('80D80001', Buffer.concat([bytes('70'), token]));
      expect(entries(await session.ok('80CA00E0'))).include('01FF8010');
      const first = randomDesSet('01');
      await session.ok(
        '80D80081',
        desSetData(first, (key) => session.seal(key)),
      );
      expect(entries(await session.ok('80CA00E0')).filter((entry) => entry.startsWith('FF', 2))).deep.equal([]);
      await card.select(ISD);
      await openScp02(card, first);
    })();
  });
});
