// SPDX-License-Identifier: Apache-2.0
/** What a domain of S16 refuses: challenges, cryptograms and MACs of 16 bytes, all of them. Amendment D 1.2. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { initialize, type KeySet, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { bytes } from './support/tlv.ts';

const SIZE = 16;
const HEADER = '84CA00D3';

/** An issuer's card of S16 with a key set of AES-256, SECURED. */
function onS16(test: (card: TestCard, set: KeySet) => Promise<void>): () => Promise<void> {
  const change = ({ isd, ...image }: Parameters<NonNullable<Parameters<typeof withIssuerCard>[0]['change']>>[0]) => ({
    ...image,
    isd: isd === null ? null : { ...isd, protocols: '0371' },
  });
  return withIssuerCard({ lifeCycle: 'OP_READY', change }, async (card) => {
    const set = randomKeySet('30', 32);
    await card.ok(
      apdu(
        '80D80081',
        keySetData(set, (key) => key),
        true,
      ),
    );
    await card.ok('80F0800F');
    await test(card, set);
  });
}

const bent = (data: Buffer, at: number): Buffer =>
  Buffer.concat([data.subarray(0, at), Buffer.of((data[at] ?? 0) ^ 0x01), data.subarray(at + 1)]);

describe('SCP03 in S16 refuses', () => {
  it(
    'a challenge of S8 and of any other length',
    onS16(async (card) => {
      for (const length of [0, 1, 7, 8, 15, 17, 32]) await card.ok(apdu('80503000', randomBytes(length), true), '6700');
    }),
  );

  it(
    'EXTERNAL AUTHENTICATE that is wrong at any byte, cut, or of S8',
    onS16(async (card, set) => {
      const begun = async () => {
        const session = await initialize(card, set, randomBytes(SIZE));
        return session.mac('84823300', session.cryptogram(0x01));
      };
      for (let at = 0; at < 2 * SIZE; at++) {
        await card.ok(apdu('84823300', bent(await begun(), at)), '6300');
        expect(await card.ok('80CA00D300'), `byte ${at}`).equal('D30100');
      }
      for (const cut of [
        (data: Buffer) => data.subarray(0, -1),
        (data: Buffer) => data.subarray(1),
        (data: Buffer) => data.subarray(0, SIZE),
        (data: Buffer) => Buffer.concat([data.subarray(0, 8), data.subarray(SIZE, SIZE + 8)]),
        (data: Buffer) => Buffer.concat([data.subarray(0, 8), data.subarray(SIZE)]),
        (data: Buffer) => Buffer.concat([data, Buffer.alloc(1)]),
      ])
        await card.ok(apdu('84823300', cut(await begun())), '6700');
      await openScp03(card, set, 0x33, SIZE);
    }),
  );

  it(
    'a command whose MAC is wrong at any byte, or has eight of them',
    onS16(async (card, set) => {
      for (let at = 0; at < SIZE; at++) {
        const session = await openScp03(card, set, 0x01, SIZE);
        const field = session.field(HEADER, bytes('5C00'));
        await card.ok(apdu(HEADER, bent(field, 2 + at), true), '6982');
        expect((await session.send('80CA00D3')).sw, `byte ${at}: the session is over`).equal('6982');
      }
      for (const length of [0, 1, 8, SIZE - 1]) {
        const session = await openScp03(card, set, 0x01, SIZE);
        await card.ok(apdu(HEADER, session.field(HEADER, Buffer.alloc(0)).subarray(0, length), true), '6982');
      }
    }),
  );
});
