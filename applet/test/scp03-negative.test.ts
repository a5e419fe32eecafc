// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, CASD, ISD, type TestCard, withIssuerCard } from './support/card.ts';
import { install, provider, SSD } from './support/domains.ts';
import { rsaKey } from './support/keys.ts';
import {
  initialize,
  type KeySet,
  keySetData,
  openScp03,
  randomKeySet,
  type Scp03Session,
} from './support/scp03-host.ts';
import { Initiation, issuerCertificate, openIssuer } from './support/scp10-host.ts';
import { bytes, hex } from './support/tlv.ts';

/** An issuer's card with a key set, SECURED. */
function withKeySet(test: (card: TestCard, set: KeySet) => Promise<void>): () => Promise<void> {
  return withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
    const set = randomKeySet('30');
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

const update = (kvn = '30', challenge = randomBytes(8)): Buffer => apdu(`8050${kvn}00`, challenge, true);

/** The session is over: nothing works in it, in clear nothing needs it, and a new one opens. */
async function expectAborted(card: TestCard, set: KeySet, session: Scp03Session): Promise<void> {
  expect((await session.send('80CA00D3')).sw).equal('6982');
  expect((await card.send('80CA00D300')).sw).equal('6982');
  await openScp03(card, set);
}

describe('SCP03 refuses', () => {
  it(
    'INITIALIZE UPDATE of another length, key set or P2, protected, and on a domain without sessions',
    withKeySet(async (card) => {
      await card.ok(update('31'), '6A88');
      await card.ok(update('30', randomBytes(16)), '6700');
      await card.ok(update('30', randomBytes(7)), '6700');
      await card.ok('8050300000', '6700');
      await card.ok(apdu('80503001', randomBytes(8), true), '6A86');
      await card.ok(apdu('00503000', randomBytes(8), true), '6E00');
      await card.ok(apdu('84503000', randomBytes(8), true), '6982');
      await card.select(CASD);
      await card.ok(update(), '6D00');
      await card.ok('84CA00D300', '6982');
    }),
  );

  it(
    'EXTERNAL AUTHENTICATE with a wrong cryptogram or MAC, once for each INITIALIZE UPDATE',
    withKeySet(async (card, set) => {
      for (const at of [0, 7, 8, 15]) {
        const session = await initialize(card, set);
        const data = session.mac('84823300', session.cryptogram(0x01));
        const bent = Buffer.from(data);
        bent[at] = (bent[at] ?? 0) ^ 1;
        await card.ok(apdu('84823300', bent), '6300');
        await card.ok(apdu('84823300', data), '6985');
        expect(await card.ok('80CA00D300')).equal('D30100');
      }
    }),
  );

  it(
    'EXTERNAL AUTHENTICATE out of order, out of form, or for a level there is not',
    withKeySet(async (card, set) => {
      await card.ok(apdu('84823300', randomBytes(16)), '6985');
      for (const level of ['02', '10', '20', '30', '31', '32', '34', '80', 'FF']) {
        const session = await initialize(card, set);
        const header = `8482${level}00`;
        await card.ok(apdu(header, session.mac(header, session.cryptogram(0x01))), '6A86');
        await card.ok(apdu('84820100', session.mac('84820100', session.cryptogram(0x01))), '6985');
      }
      const between = await initialize(card, set);
      await card.ok('80CA004200');
      await card.ok(apdu('84820100', between.mac('84820100', between.cryptogram(0x01))), '6985');
      const clear = await initialize(card, set);
      await card.ok(apdu('80820100', clear.mac('84820100', clear.cryptogram(0x01))), '6A80');
      const short = await initialize(card, set);
      await card.ok(apdu('84820100', short.mac('84820100', short.cryptogram(0x01)).subarray(0, 15)), '6700');
    }),
  );

  it(
    'levels that the option of the domain has no means for',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const set = randomKeySet('30');
      await install(await openIssuer(card), SSD, provider('provider a'), '', '10020320');
      await card.select(SSD);
      await card.ok(
        apdu(
          '80D80081',
          keySetData(set, (key) => key),
          true,
        ),
      );
      for (const level of [0x33]) {
        const session = await initialize(card, set);
        expect(await session.authenticate(level)).equal('6A86');
      }
      await openScp03(card, set, 0x13);
    }),
  );

  it(
    'a protected command that is bent, replayed, out of turn or cut',
    withKeySet(async (card, set) => {
      const field = (session: Scp03Session): Buffer => session.field('84CA00D3', bytes('5C00'));
      for (const bend of [
        (data: Buffer) => Buffer.concat([Buffer.of((data[0] ?? 0) ^ 1), data.subarray(1)]),
        (data: Buffer) => Buffer.concat([data.subarray(0, -1), Buffer.of((data.at(-1) ?? 0) ^ 1)]),
        (data: Buffer) => data.subarray(0, -1),
        (data: Buffer) => data.subarray(0, 7),
        () => Buffer.alloc(0),
      ]) {
        const session = await openScp03(card, set);
        await card.ok(apdu('84CA00D3', bend(field(session)), true), '6982');
        await expectAborted(card, set, session);
      }
      const session = await openScp03(card, set);
      const once = apdu('84CA00D3', field(session), true);
      await card.ok(once);
      await card.ok(once, '6982');
      const skipped = await openScp03(card, set);
      field(skipped);
      await card.ok(apdu('84CA00D3', field(skipped), true), '6982');
    }),
  );

  it(
    'a header that the MAC does not cover, and secure messaging of another kind or none',
    withKeySet(async (card, set) => {
      for (const header of ['84CA0042', '04CA00D3', '8CCA00D3', '80CA00D3', '88CA00D3']) {
        const session = await openScp03(card, set);
        const data = session.field('84CA00D3', bytes('5C00'));
        await card.ok(apdu(header, header.startsWith('80') ? '' : data, true), '6982');
        await expectAborted(card, set, session);
      }
    }),
  );

  it(
    'ciphertext that is no whole block, or whose padding is bad',
    withKeySet(async (card, set) => {
      const header = '84CA00D3';
      const broken = (length: number) => (session: Scp03Session) => {
        session.counter += 1n;
        return session.mac(header, randomBytes(length));
      };
      const padded = (plain: string) => (session: Scp03Session) => session.fieldOfBlocks(header, bytes(plain));
      for (const field of [
        broken(15),
        broken(17),
        padded('00'.repeat(16)),
        padded('FF'.repeat(16)),
        padded('5C008000000000000000000000000001'),
        padded(`80${'00'.repeat(31)}`),
      ]) {
        const session = await openScp03(card, set);
        await card.ok(apdu(header, field(session), true), '6982');
        await expectAborted(card, set, session);
      }
    }),
  );

  it(
    'keys and what is protected in a session of level 00 before it, and once such a command came',
    withKeySet(async (card, set) => {
      await card.ok(
        apdu(
          '80D80081',
          keySetData(randomKeySet('31'), (key) => key),
          true,
        ),
        '6982',
      );
      const session = await openScp03(card, set, 0x00);
      expect(await session.ok('80CA00D3')).equal('D30180');
      await card.ok(apdu('84CA00D3', randomBytes(8), true), '6982');
      await session.ok('80F28002', '4F00', '6982');
    }),
  );
});

describe('Two protocols in one domain', () => {
  it(
    'end each other: one session at a time',
    withKeySet(async (card, set) => {
      const scp10 = await openIssuer(card);
      const scp03 = await openScp03(card, set);
      expect((await scp10.send('80CA00D3', '', true)).sw).equal('6982');
      expect((await scp03.send('80CA00D3')).sw).equal('6982');
      const again = await openScp03(card, set);
      await openIssuer(card);
      expect((await again.send('80CA00D3')).sw).equal('6982');
      const third = await openScp03(card, set);
      await card.ok('0022C1B60480021002');
      expect((await third.send('80CA00D3')).sw).equal('6982');
      expect(await card.ok('80CA00D300')).equal('D30100');
    }),
  );

  it(
    'do not mix their steps',
    withKeySet(async (card, set) => {
      const initiation = new Initiation(card, rsaKey('isd').n);
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      await initiation.decipher();
      await initiation.getChallenge();
      const session = await initialize(card, set);
      expect((await initiation.external()).sw).equal('6985');
      await card.ok(apdu('84823300', session.mac('84823300', session.cryptogram(0x01))), '6985');
      const open = await openScp03(card, set, 0x00);
      for (const command of ['0084000000', `0088000018${'11'.repeat(24)}00`, `0082000080${'22'.repeat(128)}`]) {
        await card.ok(command, '6985');
        expect(await card.ok('80CA00D300'), command).equal('D30100');
      }
      expect((await open.send('80CA00D3')).data.length).equal(3);
      const scp10 = await openIssuer(card);
      await card.ok(apdu('84823300', randomBytes(16)), '6985');
      expect((await scp10.send('80CA00D3', '', true)).sw).equal('6982');
    }),
  );

  it(
    'leave nothing of a session after SELECT or reset',
    withKeySet(async (card, set) => {
      for (const act of [
        async () => void (await card.select(ISD)),
        async () => {
          await card.simulated.reset();
          await card.select(ISD);
        },
      ]) {
        const session = await openScp03(card, set);
        await act();
        expect((await session.send('80CA00D3')).sw).equal('6982');
        expect(hex(bytes(await card.ok('80CA00D300')))).equal('D30100');
      }
    }),
  );
});
