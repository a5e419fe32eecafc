import { createHash, verify } from 'node:crypto';
import { expect } from 'chai';
import { CASD, ISD, withIssuerCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  install,
  openProvider,
  prepare,
  provider,
  providerCa,
  putTrustPoint,
  SSD,
  target,
} from './support/domains.ts';
import { EXPONENT, privateKeyData, rsaKey } from './support/keys.ts';
import { openIssuer, publicKeyOf } from './support/scp10-host.ts';
import { bytes, hex, tlv, valueAt } from './support/tlv.ts';

describe('Key distribution to a supplementary domain', () => {
  for (const bits of [1024, 2048, 3072]) {
    it(
      `goes from installation to PERSONALIZED with RSA ${bits}`,
      withIssuerCard({}, async (card) => {
        const who = provider('provider a', bits);
        const first = await prepare(await openIssuer(card), SSD, who);
        const session = await openProvider(card, SSD, who, first);
        const modulus = await generate(session, '11', bits);
        expect(modulus.length).equal(bits / 8);
        expect(hex(modulus)).not.equal(hex(first));
        const certificate = domainCertificate(who, modulus);
        const answer = await session.sendLong('80D80002', certificateKeyData('11', certificate));
        expect([answer.sw, hex(answer.data)]).deep.equal(['9000', '11']);
        expect(await session.ok('80CA7F21', '', true)).equal(hex(certificate));
        const status = bytes(await session.ok('80F24002', tlv('4F', SSD), true));
        expect(hex(valueAt(status, 'E3', '9F70')), 'life cycle').equal('0F');
        expect(hex(valueAt(status, 'E3', 'C5')), 'privileges').equal('808000');
        // the new pair opens the next session
        await openProvider(card, SSD, who, modulus);
        expect(await card.ok('80CA7F2100', '6982')).equal('');
      }),
    );
  }

  it(
    'stores the certificate by STORE DATA as well',
    withIssuerCard({}, async (card) => {
      const who = provider('provider a');
      const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
      const certificate = domainCertificate(who, await generate(session, '11'));
      expect(await session.storeData(certificate)).equal('9000');
      await card.select(SSD);
      expect(await card.ok('80CA7F2100')).equal(hex(certificate));
      expect(await card.ok('00CA7F2100')).equal(hex(valueAt(certificate, '7F21')));
    }),
  );

  it(
    'lets the issuer store through STORE DATA and read the key back while nobody owns the domain',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, provider('provider a'));
      await target(issuer, SSD);
      const modulus = await generate(issuer, '10');
      expect(await issuer.storeData(bytes('4203010203'))).equal('9000');
      const read = bytes(await issuer.ok('80478100', tlv('A4', '84021002'), true));
      expect(hex(valueAt(read, '7F49', '81'))).equal(hex(modulus));
      await card.select(SSD);
      expect(await card.ok('80CA004200')).equal('4203010203');
      expect(await card.ok('80CA00E000')).equal('E008C0060210A180A003');
      await card.select(ISD);
      expect(await card.ok('80CA004200')).equal('420401020304');
    }),
  );
});

describe('Attestation by the controlling authority', () => {
  it(
    'signs AID, card identity, key and trust point under the nonce',
    withIssuerCard({ casd: true }, async (card) => {
      const who = provider('provider a');
      const modulus = await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      for (const nonce of ['00'.repeat(16), 'A5'.repeat(16)]) {
        const answer = bytes(await card.ok(`80CAFF60129410${nonce}00`));
        const field = (tag: string): Buffer => valueAt(answer, 'FF60', tag);
        const identity = [tlv('4F', SSD), tlv('42', '01020304'), tlv('45', '05060708090A')];
        const key = tlv('7F49', tlv('81', modulus), tlv('82', EXPONENT));
        const trusted = Buffer.concat([tlv('81', providerCa(who).n), tlv('82', EXPONENT)]);
        const digest = createHash('sha256').update(trusted).digest();
        const attested = Buffer.concat([bytes('84021002'), key, tlv('90', digest), tlv('94', nonce)]);
        const body = Buffer.concat([...identity, attested, tlv('9E', field('9E'))]);
        expect(hex(answer)).equal(hex(tlv('FF60', body)));
        const over = tlv('A0', createHash('sha256').update(attested).digest());
        const signed = Buffer.concat([...identity, over]);
        expect(verify('sha256', signed, publicKeyOf(rsaKey('casd', 2048).n), field('9E'))).equal(true);
      }
    }),
  );

  it(
    'refuses without an authority, a key pair, a trust point or a nonce in form',
    withIssuerCard({ casd: true }, async (card) => {
      const request = `80CAFF60129410${'01'.repeat(16)}00`;
      const issuer = await openIssuer(card);
      await install(issuer, SSD, provider('provider a'));
      await card.select(SSD);
      await card.ok(request, '6985');
      await card.select(ISD);
      const again = await openIssuer(card);
      await target(again, SSD);
      await generate(again, '10');
      await card.select(SSD);
      await card.ok(request, '6985');
      for (const data of ['', '9400', `940F${'01'.repeat(15)}`, `9411${'01'.repeat(17)}`, `9310${'01'.repeat(16)}`]) {
        await card.ok(`80CAFF60${data === '' ? '' : (data.length / 2).toString(16).padStart(2, '0')}${data}00`, '6A80');
      }
      await card.select(CASD);
      await card.ok(request, '6A88');
      await card.select(ISD);
      await card.ok(request, '6A88');
    }),
  );

  it(
    'is given for a pair that the card made, never for one that was loaded before issuance',
    withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
      const who = provider('provider a');
      const request = `80CAFF60129410${'01'.repeat(16)}00`;
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await target(issuer, SSD);
      await putTrustPoint(issuer, '10', providerCa(who), who.authority);
      for (const part of privateKeyData('10', rsaKey('known to the issuer'))) {
        expect((await issuer.sendLong('80D80002', part)).sw).equal('9000');
      }
      await card.select(SSD);
      await card.ok(request, '6985');
      await card.select(ISD);
      const again = await openIssuer(card);
      await target(again, SSD);
      await generate(again, '10');
      await card.select(SSD);
      await card.ok(request);
    }),
  );

  it(
    'answers 6A88 on a card without a controlling authority',
    withIssuerCard({}, async (card) => {
      const who = provider('provider a');
      await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      await card.ok(`80CAFF60129410${'01'.repeat(16)}00`, '6A88');
    }),
  );
});
