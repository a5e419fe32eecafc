// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ISD, withIssuerCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  install,
  openProvider,
  prepare,
  provider,
  SSD,
  target,
} from './support/domains.ts';
import { openIssuer } from './support/scp10-host.ts';
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
      // its last block ended the personalization of that domain
      await target(issuer, SSD);
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
