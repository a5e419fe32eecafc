// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { attestationRequest } from './support/attestation.ts';
import { CASD, ISD, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import {
  generateData,
  install,
  installData,
  OTHER_SSD,
  personalizationData,
  prepare,
  provider,
  SSD,
} from './support/domains.ts';
import { publicKeyData, rsaKey } from './support/keys.ts';
import { openIssuer, type Session } from './support/scp10-host.ts';
import { bytes, hex, tlv, valueAt } from './support/tlv.ts';

const who = provider('provider a');

/** What changes the card, each in form, and refused for the card's state alone. */
const changes: readonly (readonly [string, (session: Session) => Promise<string>])[] = [
  ['INSTALL [for install]', async (s) => (await s.send('80E60C00', installData(OTHER_SSD, who), true)).sw],
  ['INSTALL [for personalization]', async (s) => (await s.send('80E62000', personalizationData(SSD), true)).sw],
  ['DELETE', async (s) => (await s.send('80E40000', tlv('4F', SSD), true)).sw],
  ['GENERATE', async (s) => (await s.send('80478000', generateData('10', 1024), true)).sw],
  ['PUT KEY', async (s) => (await s.sendLong('80D80001', publicKeyData('20', rsaKey('issuer ca'), ISSUER_CA))).sw],
  ['STORE DATA', (s) => s.storeData(tlv('42', '0102'))],
  ['SET STATUS of an application', async (s) => (await s.send('80F04080', SSD)).sw],
];

/** A card with a domain of the provider's, moved to a state by its issuer. */
async function moved(card: TestCard, state: string): Promise<Session> {
  const issuer = await openIssuer(card);
  await install(issuer, SSD, who);
  await issuer.ok(`80F080${state}`);
  return issuer;
}

async function lifeCycle(session: Session): Promise<string> {
  return hex(valueAt(bytes(await session.ok('80F28002', '4F00', true)), 'E3', '9F70'));
}

describe('A locked card', () => {
  it(
    'refuses every change, in the session that locked it and in a new one',
    withIssuerCard({}, async (card) => {
      let session = await moved(card, '7F');
      for (const again of [false, true]) {
        if (again) {
          await card.select(ISD, '6283');
          session = await openIssuer(card);
        }
        for (const [name, change] of changes) expect(await change(session), name).equal('6985');
        expect(await session.ok('80CA00E0', '', true)).equal('E010C0060110A180A003C0060210A180A003');
        expect(await lifeCycle(session)).equal('7F');
      }
      await session.ok('80F0800F');
      expect(await session.storeData(tlv('42', '0102'))).equal('9000');
      await card.select(SSD);
    }),
  );

  it(
    'does not hand on what was named for personalization before',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await issuer.ok('80E62000', personalizationData(SSD), true);
      await issuer.ok('80F0807F');
      await issuer.ok('80478000', generateData('10', 1024), true, '6985');
      await issuer.ok('80F0800F');
      await card.select(SSD);
      await card.ok('8047810000', '6A88');
    }),
  );

  it(
    'keeps GET DATA, and nothing in clear besides the issuer in its session',
    withIssuerCard({ casd: true }, async (card) => {
      await moved(card, '7F');
      await card.select(SSD, '6A81');
      await card.select(CASD, '6A81');
      await card.select(ISD, '6283');
      for (const tag of ['0042', '0045', '0066', '00E0', '9F7F']) await card.ok(`80CA${tag}00`);
      await card.ok('8047810000', '6985');
      await card.ok('80F0800F', '6982');
      await card.ok('80F28002024F00', '6982');
      const session = await openIssuer(card);
      await session.ok('80F080FF');
      await session.ok('80F0800F', '', false, '6985');
    }),
  );
});

describe('A terminated card', () => {
  it(
    'answers GET DATA and nothing else, in an open session too',
    withIssuerCard({ casd: true }, async (card) => {
      await prepare(await openIssuer(card), SSD, who);
      const session = await openIssuer(card);
      await session.ok('80F080FF');
      for (const [name, change] of changes) expect(await change(session), name).equal('6985');
      await card.select(SSD, '6A82');
      await card.select(ISD);
      for (const tag of ['0042', '0045', '0066', '00E0', '9F7F']) await card.ok(`80CA${tag}00`);
      await card.ok('00CB503100');
      for (const command of [
        '0022C1B60480021002',
        '0084000000',
        '80F28002024F00',
        '80F0800F',
        '80F080FF',
        '8047810000',
        '80E290000442020102',
      ]) {
        await card.ok(command, '6985');
      }
      await card.ok(attestationRequest(), '6A88');
    }),
  );
});
