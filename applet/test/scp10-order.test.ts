// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ISSUER, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import { certificate, holder, rsaKey } from './support/keys.ts';
import { challengedForReceiver, Initiation, issuerCertificate, openIssuer, Session } from './support/scp10-host.ts';

const isd = (): Buffer => rsaKey('isd').n;

/** An initiation up to, not with, EXTERNAL AUTHENTICATE. */
async function challenged(card: TestCard, level = 0x33): Promise<Initiation> {
  const initiation = new Initiation(card, isd(), { level });
  await initiation.manage();
  await initiation.certificate(issuerCertificate());
  await initiation.decipher();
  await initiation.getChallenge();
  return initiation;
}

async function finish(initiation: Initiation): Promise<Session> {
  expect((await initiation.external()).sw).equal('9000');
  return new Session(initiation.card, initiation.messaging());
}

describe('The order of SCP10 commands that the card accepts', () => {
  it(
    'starts with PSO VERIFY CERTIFICATE alone',
    withIssuerCard({}, async (card) => {
      const initiation = new Initiation(card, isd());
      expect((await initiation.certificate(issuerCertificate())).sw).equal('9000');
      expect((await initiation.decipher()).sw).equal('9000');
      expect((await initiation.getChallenge()).data.length).equal(16);
      await finish(initiation);
      expect((await initiation.internal()).sw).equal('9000');
    }),
  );

  it(
    'takes GET DATA between the steps and DECIPHER before the certificate',
    withIssuerCard({}, async (card) => {
      const initiation = new Initiation(card, isd());
      await initiation.manage();
      expect((await initiation.decipher()).sw).equal('9000');
      await card.ok('80CA00D300');
      expect((await initiation.getChallenge()).sw).equal('9000');
      // the certificate restarts: it does not follow MSE or another certificate, so T is gone
      expect((await initiation.certificate(issuerCertificate())).sw).equal('9000');
      expect((await initiation.getChallenge()).sw).equal('9000');
      expect((await initiation.external()).sw).equal('6985');
      await initiation.manage();
      await card.ok('80CA006600');
      expect((await initiation.certificate(issuerCertificate())).sw).equal('9000');
      await initiation.decipher();
      await card.ok('80CA00E000');
      await initiation.getChallenge();
      await finish(initiation);
    }),
  );

  it(
    'lets the last of two DECIPHERs and of two challenges count',
    withIssuerCard({}, async (card) => {
      const initiation = new Initiation(card, isd());
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      const other = new Initiation(card, isd());
      expect((await initiation.decipher(other.templates)).sw).equal('9000');
      expect((await initiation.decipher()).sw).equal('9000');
      const first = (await initiation.getChallenge()).data;
      const second = (await initiation.getChallenge()).data;
      expect(first.equals(second)).equal(false);
      await finish(initiation);
    }),
  );

  it(
    'walks a chain of certification authorities',
    withIssuerCard({}, async (card) => {
      const middle = rsaKey('middle ca', 2048);
      const reference = holder('middle');
      const chain = [
        certificate(
          { issuer: ISSUER_CA, holder: reference, authorization: '01', modulus: middle.n },
          rsaKey('issuer ca'),
        ),
        certificate({ issuer: reference, holder: ISSUER, modulus: rsaKey('issuer').n }, middle),
      ];
      const initiation = new Initiation(card, isd());
      await initiation.manage();
      for (const link of chain) expect((await initiation.certificate(link)).sw).equal('9000');
      await initiation.decipher();
      await initiation.getChallenge();
      await finish(initiation);
    }),
  );

  it(
    'leaves INTERNAL AUTHENTICATE out when the host does',
    withIssuerCard({}, async (card) => {
      const session = await finish(await challenged(card));
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
    }),
  );

  it(
    'takes INTERNAL AUTHENTICATE as a protected command too',
    withIssuerCard({}, async (card) => {
      const session = await finish(await challenged(card));
      const answer = await session.ok('00880000', Buffer.alloc(24, 7), true);
      expect(answer.length).equal(256);
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
    }),
  );

  it(
    'opens a new session over an open one, and after an aborted one',
    withIssuerCard({}, async (card) => {
      await openIssuer(card);
      const second = await openIssuer(card);
      await card.ok('80CA00D300', '6982');
      expect((await second.send('80CA00D3', '', true)).sw).equal('6982');
      const third = await openIssuer(card, 0x03);
      expect(await third.ok('80CA00D3', '', true)).equal('D30183');
    }),
  );

  it(
    'takes a signature that is for its pair alone, where T says so',
    withIssuerCard({}, async (card) => {
      const initiation = await challengedForReceiver(card, 0x33);
      expect((await initiation.external(initiation.signatureFor(isd()))).sw).equal('9000');
      expect((await initiation.internal()).sw).equal('9000');
      const session = new Session(card, initiation.messaging());
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
    }),
  );

  it(
    'answers every MSE reference that names what is there',
    withIssuerCard({}, async (card) => {
      const present = ['8300', '83021001', `8310${ISSUER_CA.toString('hex')}`, '8400', '84021002', '8302100184021002'];
      for (const references of present) {
        const length = (4 + references.length / 2).toString(16).padStart(2, '0');
        await card.ok(`0022C1B6${length}80021002${references}`);
        await card.ok(`002281B6${length}80021002${references}`);
      }
    }),
  );

  it(
    'gives a new challenge each time',
    withIssuerCard({}, async (card) => {
      const seen = new Set<string>();
      for (let i = 0; i < 8; i++) {
        await card.ok('0022C1B60480021002');
        seen.add(await card.ok('0084000000'));
        await card.ok('0022C1B60480021001');
        expect((await card.ok('0084000000')).length).equal(16);
      }
      expect(seen.size).equal(8);
    }),
  );
});
