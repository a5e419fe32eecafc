// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { probeA, probeImage } from '../../simulator/test/fixture/probe.ts';
import { ISD, type TestCard, withIssuerCard } from './support/card.ts';
import {
  domainCertificate,
  generate,
  generateData,
  install,
  OTHER_SSD,
  openProvider,
  type Provider,
  personalizationData,
  prepare,
  provider,
  providerCa,
  providerCertificate,
  providerKey,
  putTrustPoint,
  SSD,
  target,
} from './support/domains.ts';
import { certificate, publicKeyData, rsaKey } from './support/keys.ts';
import { Initiation, openIssuer, openSession, type Session } from './support/scp10-host.ts';
import { bytes, hex, tlv, valueAt } from './support/tlv.ts';

const who = provider('provider a');
const { loadFiles, applications } = probeImage();
const probes = { ...(loadFiles && { loadFiles }), ...(applications && { applications }) };

/** A domain that its provider owns; answers the owner's modulus. */
async function owned(card: TestCard, owner: Provider = who, aid = SSD): Promise<{ session: Session; modulus: Buffer }> {
  await card.select(ISD);
  const session = await openProvider(card, aid, owner, await prepare(await openIssuer(card), aid, owner));
  return { session, modulus: await generate(session, '11') };
}

async function publicKey(card: TestCard): Promise<string> {
  return hex(valueAt(bytes(await card.ok('8047810000')), '7F49', '81'));
}

describe('A domain with an owner', () => {
  it(
    'answers every command through its parent with 6985 and changes nothing',
    withIssuerCard({}, async (card) => {
      const { modulus } = await owned(card);
      await card.select(SSD);
      const keys = await card.ok('80CA00E000');
      await card.select(ISD);
      const issuer = await openIssuer(card);
      await target(issuer, SSD);
      await issuer.ok('80478000', generateData('10', 1024), true, '6985');
      await issuer.ok('80478100', '', true, '6985');
      const put = await issuer.sendLong('80D80001', publicKeyData('10', rsaKey('issuer ca')));
      expect(put.sw).equal('6985');
      expect(await issuer.storeData(bytes('4203010203'))).equal('6985');
      expect(await issuer.storeData(domainCertificate(who, modulus))).equal('6985');
      await card.select(SSD);
      expect(await card.ok('80CA00E000')).equal(keys);
      expect(await publicKey(card)).equal(hex(modulus));
      await card.ok('80CA004200', '6A88');
      await openProvider(card, SSD, who, modulus);
    }),
  );

  it(
    'has no use for the first pair any more',
    withIssuerCard({}, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      const session = await openProvider(card, SSD, who, first);
      const second = await generate(session, '11');
      // the open session lives on under its keys
      expect(await session.ok('80CA00D3', '', true)).equal('D301B3');
      await card.select(SSD);
      const initiation = new Initiation(card, first, { oce: providerKey(who) });
      await initiation.manage();
      await initiation.certificate(providerCertificate(who));
      expect((await initiation.decipher()).sw).equal('6A80');
      await card.ok('8047810006A4048402100200', '6A88');
      expect(await publicKey(card)).equal(hex(second));
    }),
  );

  it(
    'refuses an issuer that certifies itself under the same name with a CA of its own',
    withIssuerCard({}, async (card) => {
      const { modulus } = await owned(card);
      await card.select(SSD);
      const forged = provider('issuer as provider');
      const initiation = new Initiation(card, modulus, { oce: providerKey(forged) });
      await initiation.manage();
      const forgery = providerCertificate({ ...forged, reference: who.reference, authority: who.authority });
      expect((await initiation.certificate(forgery)).sw).equal('6300');
    }),
  );

  it(
    'lets the owner change trust point and pair, and then only the new ones count',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owned(card);
      expect(await session.storeData(domainCertificate(who, modulus))).equal('9000');
      const next = provider('provider a, next ca');
      await putTrustPoint(session, '20', providerCa(next), next.authority);
      const third = await generate(session, '21', 2048);
      await session.ok('80CA7F21', '', true, '6A88');
      expect(await session.ok('80CA00E0', '', true)).equal('E010C0060120A180A003C0060221A100A003');
      await card.select(SSD);
      const old = new Initiation(card, third, { oce: providerKey(who) });
      await old.manage();
      expect((await old.certificate(providerCertificate(who))).sw).equal('6300');
      const renewed = providerCertificate({ ...next, reference: who.reference });
      await openSession(card, third, { oce: providerKey(next), certificates: [renewed] });
    }),
  );

  it(
    'becomes PERSONALIZED with the certificate, and is deleted by the issuer with its keys',
    withIssuerCard({}, async (card) => {
      const { session, modulus } = await owned(card);
      const state = async (): Promise<string> =>
        hex(valueAt(bytes(await session.ok('80F24002', '4F00', true)), 'E3', '9F70'));
      expect(await state()).equal('07');
      expect(await session.storeData(domainCertificate(who, modulus))).equal('9000');
      expect(await state()).equal('0F');
      await card.select(ISD);
      const issuer = await openIssuer(card);
      expect(await issuer.ok('80E40000', tlv('4F', SSD), true)).equal('00');
      await card.select(SSD, '6A82');
      await card.select(ISD);
      await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      const initiation = new Initiation(card, modulus, { oce: providerKey(who) });
      await initiation.manage();
      await initiation.certificate(providerCertificate(who));
      expect((await initiation.decipher()).sw).equal('6A80');
    }),
  );
});

describe('Two providers on one card', () => {
  it(
    'cannot reach each other',
    withIssuerCard({}, async (card) => {
      const other = provider('provider b');
      const a = await owned(card);
      const b = await owned(card, other, OTHER_SSD);
      expect(hex(a.modulus)).not.equal(hex(b.modulus));
      await card.select(SSD);
      const initiation = new Initiation(card, a.modulus, { oce: providerKey(other) });
      await initiation.manage();
      expect((await initiation.certificate(providerCertificate(other))).sw).equal('6300');
      await openProvider(card, SSD, who, a.modulus);
      await openProvider(card, OTHER_SSD, other, b.modulus);
    }),
  );

  it(
    'that share a CA stay apart: the other is ANY_AUTHENTICATED and changes nothing',
    withIssuerCard({}, async (card) => {
      const { modulus } = await owned(card);
      const guest = { ...provider('guest'), authority: who.authority };
      const fields = { issuer: who.authority, holder: guest.reference, modulus: providerKey(guest).n };
      await card.select(SSD);
      const session = await openSession(card, modulus, {
        oce: providerKey(guest),
        certificates: [certificate(fields, providerCa(who))],
      });
      await session.ok('80478000', generateData('12', 1024), true, '6982');
      expect((await session.sendLong('80D80001', publicKeyData('10', rsaKey('issuer ca')))).sw).equal('6982');
      expect(await session.storeData(bytes('4203010203'))).equal('6982');
      await session.ok('80F04007', SSD, false, '6982');
      expect(await session.ok('80CA00D3', '', true)).equal('D30173');
      await card.select(SSD);
      expect(await publicKey(card)).equal(hex(modulus));
    }),
  );
});

describe('An application that answers for another interface', () => {
  it(
    'is no target for personalization',
    withIssuerCard({ change: (image) => ({ ...image, ...probes }) }, async (card) => {
      const issuer = await openIssuer(card);
      await issuer.ok('80E62000', personalizationData(probeA), true, '6A88');
      await issuer.ok('80478000', generateData('10', 1024), true, '6985');
    }),
  );
});

describe('A domain without an owner', () => {
  it(
    'takes no keys in clear, nor in a session below AUTHENTICATED and C-MAC',
    withIssuerCard({}, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      await card.ok('8047800006A4048402110200', '6982');
      await card.ok('80D8000103100000', '6982');
      await card.ok('80E290000442020102', '6982');
      for (const level of [0x00, 0x10]) {
        const session = await openSession(card, modulus, {
          level,
          oce: providerKey(who),
          certificates: [providerCertificate(who)],
        });
        await session.ok('80478000', generateData('11'), true, '6982');
      }
      await card.select(SSD);
      expect(await publicKey(card)).equal(hex(modulus));
    }),
  );

  it(
    'is not reached by INSTALL [for personalization] when it is not there or not a domain',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      for (const [data, sw] of [
        [`00000A${OTHER_SSD}000000`, '6A88'],
        ['00000CA00000015153504341534400000000', '6A88'],
        [`000008${ISD}000000`, '6A88'],
        [`00000A${SSD}0000`, '6A80'],
        [`00000A${SSD}00000000`, '6A80'],
        [`00010A${SSD}000000`, '6A80'],
        ['000004A0000001000000', '6A80'],
        ['', '6A80'],
      ] as const) {
        await issuer.ok('80E62000', data, true, sw);
      }
      await issuer.ok('80478000', generateData('10'), true, '6985');
    }),
  );

  it(
    'is named until the next INSTALL, SELECT or the end of the session',
    withIssuerCard({}, async (card) => {
      let issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await target(issuer, SSD);
      await issuer.ok('80E60C00', '00', true, '6A80');
      await issuer.ok('80478000', generateData('10'), true, '6985');
      await target(issuer, SSD);
      issuer = await openIssuer(card);
      await issuer.ok('80478000', generateData('10'), true, '6985');
      await target(issuer, SSD);
      await card.select(ISD);
      issuer = await openIssuer(card);
      await issuer.ok('80478000', generateData('10'), true, '6985');
      await target(issuer, SSD);
      await issuer.ok('80E40000', tlv('4F', SSD), true);
      await issuer.ok('80478000', generateData('10'), true, '6985');
    }),
  );
});
