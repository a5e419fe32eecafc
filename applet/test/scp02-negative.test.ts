// SPDX-License-Identifier: Apache-2.0
/** What SCP02 refuses: order, form, MACs at each byte, replay, other protections. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { desSetData, initializeScp02, openScp02, randomDesSet, type Scp02Session } from './support/scp02-host.ts';
import type { KeySet } from './support/scp03-host.ts';

function withSet(test: (card: TestCard, set: KeySet) => Promise<void>): () => Promise<void> {
  return withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
    const set = randomDesSet('20');
    await card.ok(
      apdu(
        '80D80081',
        desSetData(set, (key) => key),
        true,
      ),
    );
    await card.ok('80F0800F');
    await test(card, set);
  });
}

const flipped = (data: Buffer, at: number): Buffer => {
  const bent = Buffer.from(data);
  bent[at] = (bent[at] ?? 0) ^ 0x01;
  return bent;
};

async function expectAborted(card: TestCard, set: KeySet, session: Scp02Session): Promise<void> {
  expect((await card.exchange(session.wrap('80CA00D3', Buffer.alloc(0), true))).sw).equal('6982');
  await card.ok('80CA00D300', '6982');
  await openScp02(card, set);
}

describe('SCP02 refuses', () => {
  it(
    'INITIALIZE UPDATE of another length, key set, class or P2',
    withSet(async (card) => {
      await card.ok(apdu('80502100', randomBytes(8), true), '6A88');
      await card.ok(apdu('80502000', randomBytes(7), true), '6700');
      await card.ok(apdu('80502000', randomBytes(16), true), '6700');
      await card.ok('8050200000', '6700');
      await card.ok(apdu('80502001', randomBytes(8), true), '6A86');
      await card.ok(apdu('00502000', randomBytes(8), true), '6E00');
      await card.ok(apdu('84502000', randomBytes(8), true), '6982');
    }),
  );

  it(
    'EXTERNAL AUTHENTICATE with a wrong byte anywhere, twice, out of order, and for a level it has not',
    withSet(async (card, set) => {
      for (let at = 0; at < 16; at++) {
        const { session, host, update } = await initializeScp02(card, set, '15');
        const good = session.wrap('80820300', session.hostCryptogram(host, update.cardPart), false, false);
        await card.ok(flipped(good, 5 + at), '6300');
        await card.ok(good, '6985');
        expect(await card.ok('80CA00D300')).equal('D30100');
      }
      for (const level of ['02', '10', '11', '13', '33', '80', 'FF']) {
        const { session, host, update } = await initializeScp02(card, set, '15');
        const header = `8082${level}00`;
        await card.ok(session.wrap(header, session.hostCryptogram(host, update.cardPart), false, false), '6A86');
      }
      const between = await initializeScp02(card, set, '15');
      await card.ok('80CA004200');
      const late = between.session.hostCryptogram(between.host, between.update.cardPart);
      await card.ok(between.session.wrap('80820100', late, false, false), '6985');
      expect(await card.ok('80CA00C100')).equal('C1020000');
    }),
  );

  it(
    'a protected command that is bent at any byte, replayed, cut, in clear or of another protection',
    withSet(async (card, set) => {
      const length = 4 + 1 + 8 + 8;
      for (let at = 0; at < length; at++) {
        if (at === 4) continue;
        const session = await openScp02(card, set, 0x03);
        const bent = flipped(session.wrap('80CA00D3', Buffer.from('5C00', 'hex'), true), at);
        const { sw } = await card.exchange(bent);
        // a byte of the class may name another channel or none at all
        expect(sw, `byte ${at}`).oneOf(at === 0 ? ['6982', '6881', '6E00'] : ['6982']);
        if (at > 0) await expectAborted(card, set, session);
      }
      for (const header of ['80CA00D300', '8CCA00D3080102030405060708', '88CA00D3080102030405060708', '84CA00D300']) {
        const session = await openScp02(card, set, 0x01);
        await card.ok(header, '6982');
        await expectAborted(card, set, session);
      }
      const session = await openScp02(card, set, 0x01);
      const once = session.wrap('80CA00D3', Buffer.alloc(0), true);
      await card.ok(once);
      await card.ok(once, '6982');
      const skipped = await openScp02(card, set, 0x01);
      skipped.wrap('80CA00D3', Buffer.alloc(0), true);
      await card.ok(skipped.wrap('80CA00D3', Buffer.alloc(0), true), '6982');
    }),
  ).timeout(60_000);

  it(
    'R-MAC sessions where there is none, and commands of them without a session',
    withSet(async (card, set) => {
      await card.ok('807A100100', '6985');
      await card.ok('8078000300', '6985');
      const session = await openScp02(card, set, 0x01);
      await session.ok('807A1001', '', '6A86');
      await session.ok('807A3001', '', '6A86');
      await session.ok('80780003', '', '6985');
      await session.ok('80780103', '', '6A86');
      await session.ok('80CA00D3');
    }),
  );

  it(
    'keys in clear in a session that asked for a MAC, which they end',
    withSet(async (card, set) => {
      const session = await openScp02(card, set, 0x01);
      const data = desSetData(randomDesSet('21'), (key) => session.seal(key));
      await card.ok(apdu('80D80081', data, true), '6982');
      expect((await session.send('80D80081', data)).sw).equal('6982');
    }),
  );
});
