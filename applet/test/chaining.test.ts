// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { apdu, ISD, split, type TestCard, withIssuerCard } from './support/card.ts';
import { install, installData, provider, SSD, target } from './support/domains.ts';
import { withIssuerSets } from './support/issuer-sets.ts';
import { publicKeyData, rsaKey } from './support/keys.ts';
import { openScp03 } from './support/scp03-host.ts';
import { Initiation, issuerCertificate, openIssuer, type Session } from './support/scp10-host.ts';
import { bytes, hex } from './support/tlv.ts';

/** A session with a freshly made domain named for personalization. */
async function withTarget(card: TestCard): Promise<Session> {
  const session = await openIssuer(card);
  await install(session, SSD, provider('provider a'));
  await target(session, SSD);
  return session;
}

describe('Long commands', () => {
  for (const size of [1, 100, 254, 255]) {
    it(
      `are put together from ISO parts of ${size} bytes`,
      withIssuerCard({}, async (card) => {
        const initiation = new Initiation(card, rsaKey('isd').n);
        await initiation.manage();
        expect((await card.isoChain('002A00BE', issuerCertificate(), size)).sw).equal('9000');
        expect((await initiation.decipher()).sw).equal('9000');
        await initiation.getChallenge();
        expect((await card.isoChain('00820000', initiation.signature(), size)).sw).equal('9000');
      }),
    );

    it(
      `wrapped once and cut into parts of ${size} bytes, are unwrapped as a whole`,
      withIssuerCard({}, async (card) => {
        const session = await withTarget(card);
        const answer = await session.sendLong('80D80001', publicKeyData('10', rsaKey('long', 2048)), true, size);
        expect([answer.sw, hex(answer.data)]).deep.equal(['9000', '10']);
        expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
      }),
    );
  }

  it(
    'answer a part with 9000 alone, without data and without a MAC',
    withIssuerCard({}, async (card) => {
      const session = await withTarget(card);
      const field = session.messaging.field('80D80001', publicKeyData('10', rsaKey('long')), true);
      const parts = split(field, 60);
      for (const [i, part] of parts.entries()) {
        const last = i === parts.length - 1;
        const answer = await card.send(apdu(last ? '8CD80001' : '8CD88001', part, last));
        expect(answer.sw).equal('9000');
        if (!last) expect(answer.data.length).equal(0);
        else expect(hex(session.messaging.open(answer).data)).equal('10');
      }
    }),
  );

  it(
    'work for INSTALL and DELETE too',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      const answer = await session.sendLong('80E60C00', installData(SSD, provider('provider a')), true, 40);
      expect([answer.sw, hex(answer.data)]).deep.equal(['9000', '00']);
      const gone = await session.sendLong('80E40000', bytes(`4F0A${SSD}`), true, 7);
      expect([gone.sw, hex(gone.data)]).deep.equal(['9000', '00']);
      await card.select(SSD, '6A82');
    }),
  );
});

describe('Parts that do not fit together', () => {
  const first = async (card: TestCard): Promise<void> => {
    await card.ok('0022C1B60480021002');
    await card.ok(apdu('102A00BE', issuerCertificate().subarray(0, 200)));
  };

  it(
    'are dropped, and 6985, when another command of the same instruction follows',
    withIssuerCard({}, async (card) => {
      await first(card);
      await card.ok(apdu('002A8084', Buffer.alloc(128)), '6985');
      await first(card);
      await card.ok(apdu('102A00AE', Buffer.alloc(10)), '6985');
      const initiation = new Initiation(card, rsaKey('isd').n);
      await initiation.manage();
      expect((await initiation.certificate(issuerCertificate())).sw).equal('9000');
    }),
  );

  it(
    'are dropped when another command comes between',
    withIssuerCard({}, async (card) => {
      await first(card);
      await card.ok('80CA00D300');
      await card.ok(apdu('002A00BE', issuerCertificate().subarray(200)), '6A80');
    }),
  );

  it(
    'do not survive SELECT or reset',
    withIssuerCard({}, async (card) => {
      for (const interrupt of [() => card.select(ISD), () => card.simulated.reset()]) {
        await first(card);
        await interrupt();
        await card.select(ISD);
        await card.ok(apdu('002A00BE', issuerCertificate().subarray(200)), '6A80');
      }
    }),
  );

  it(
    'of PUT KEY with another KID are 6985, and the session goes on',
    withIssuerCard({}, async (card) => {
      const session = await withTarget(card);
      await card.ok(apdu('8CD88001', Buffer.alloc(200)));
      await card.ok(apdu('8CD80002', Buffer.alloc(20)), '6985');
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
    }),
  );

  it(
    'of PUT KEY, INSTALL and DELETE are 6985 and dropped when any other command follows, which is not run',
    withIssuerSets({}, async (card, { aes }) => {
      const data = installData(SSD, provider('provider a'));
      for (const [interruption, dropped] of [
        ['80E40000', data],
        ['80F28002', data],
        ['80CA00D3', data],
        ['80D80001', data],
      ] as const) {
        await card.select(ISD);
        const session = await openScp03(card, aes, 0x00);
        await card.ok(apdu('80E68C00', dropped.subarray(0, 30)));
        await card.ok(apdu(interruption, interruption === '80F28002' ? '4F00' : '', true), '6985');
        await card.ok(apdu('80E60C00', dropped.subarray(30), true), '6A80');
        expect(await session.ok('80CA00D3')).equal('D30180');
      }
      await card.select(SSD, '6A82');
    }),
  );

  it(
    'beyond 1100 bytes are 6A84 and dropped',
    withIssuerCard({}, async (card) => {
      await card.ok('0022C1B60480021002');
      for (let i = 0; i < 5; i++) await card.ok(apdu('102A00BE', Buffer.alloc(220)));
      await card.ok(apdu('102A00BE', Buffer.alloc(1)), '6A84');
      await card.ok(apdu('002A00BE', Buffer.alloc(1)), '6A80');
    }),
  );

  it(
    'wrapped, beyond what fits are 6A84 and the session goes on',
    withIssuerCard({}, async (card) => {
      const session = await withTarget(card);
      for (let i = 0; i < 4; i++) await card.ok(apdu('8CD88001', Buffer.alloc(255)));
      await card.ok(apdu('8CD88001', Buffer.alloc(255)), '6A84');
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
    }),
  );

  it(
    'of a command that cannot be chained are 6884; class 9x is 6E00',
    withIssuerCard({}, async (card) => {
      await card.ok('1022C1B60480021002', '6884');
      await card.ok('1084000000', '6884');
      await card.ok(apdu('90E20000', '42020102'), '6E00');
      await card.ok(apdu('1C2A00BE', Buffer.alloc(20)), '6884');
    }),
  );

  it(
    'with one part missing or doubled fail their MAC',
    withIssuerCard({}, async (card) => {
      for (const order of [
        [0, 2],
        [0, 0, 1, 2],
        [1, 0, 2],
      ]) {
        const session = await withTarget(card);
        const parts = split(session.messaging.field('80D80001', publicKeyData('10', rsaKey('long')), true), 60);
        for (const i of order) await card.ok(apdu('8CD88001', parts[i] ?? Buffer.alloc(0)));
        await card.ok(apdu('8CD80001', parts[3] ?? Buffer.alloc(0), true), '6982');
        expect((await session.send('80CA00D3', '', true)).sw).equal('6982');
        const again = await openIssuer(card);
        await again.ok('80E40000', `4F0A${SSD}`, true);
      }
    }),
  );

  it(
    'end a session with MACs at the command behind the one that was refused',
    withIssuerSets({}, async (card, { aes }) => {
      const session = await openScp03(card, aes, 0x33);
      await card.ok(apdu('84E6A000', Buffer.alloc(10)));
      expect((await session.send('80CA00D3')).sw, 'between parts').equal('6985');
      expect((await session.send('80CA00D3')).sw).equal('6982');
      await card.select(ISD);
      await openScp03(card, aes, 0x33);
    }),
  );
});

describe('STORE DATA blocks', () => {
  it(
    'are collected over any cut and stored at the last',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      for (const size of [1, 3, 200]) {
        const value = Buffer.concat([bytes('420401020309'), bytes(`450A${'0A'.repeat(10)}`)]);
        expect(await session.storeData(value, size)).equal('9000');
        expect(await session.ok('80CA0042', '', true)).equal('420401020309');
        expect(await session.ok('80CA0045', '', true)).equal(`450A${'0A'.repeat(10)}`);
      }
    }),
  );

  it(
    'in wrong order are 6985 and start from 00 again',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      await session.ok('80E29001', '42020102', false, '6985');
      await session.ok('80E21000', '4202');
      await session.ok('80E29002', '0102', false, '6985');
      await session.ok('80E29001', '0102', false, '6985');
      await session.ok('80E21000', '4202');
      await session.ok('80CA00D3', '', true);
      await session.ok('80E29001', '0102', false, '6985');
      await session.ok('80E29000', '42020102');
      expect(await session.ok('80CA0042', '', true)).equal('42020102');
    }),
  );

  it(
    'beyond 1100 bytes are 6A84',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      for (let i = 0; i < 5; i++) await session.ok(`80E2100${i}`, Buffer.alloc(215));
      await session.ok('80E21005', Buffer.alloc(26), false, '6A84');
      await session.ok('80E29006', '42020102', false, '6985');
    }),
  );

  it(
    'of a structure or an encryption there is none of are 6A86',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      for (const p1 of ['98', '18', 'D0', '92', '94', '1E']) {
        await session.ok(`80E2${p1}00`, '42020102', false, '6A86');
      }
    }),
  );
});
