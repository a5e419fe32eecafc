// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { attest, attestationRequest, trustPointDigest } from './support/attestation.ts';
import { CASD, casdImage, ISD, withIssuerCard } from './support/card.ts';
import {
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
import { privateKeyData, rsaKey } from './support/keys.ts';
import { openIssuer } from './support/scp10-host.ts';
import { hex } from './support/tlv.ts';

const who = provider('provider a');
const trusted = hex(trustPointDigest({ kvn: '10', key: providerCa(who), reference: who.authority }));

describe('Attestation by the controlling authority', () => {
  it(
    'says of the first pair that nobody owns the domain, and signs under each nonce',
    withIssuerCard({ casd: true }, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      for (const nonce of ['00'.repeat(16), 'A5'.repeat(16)]) {
        expect(await attest(card, nonce)).deep.equal({
          aid: SSD,
          reference: '1002',
          modulus: hex(modulus),
          digest: trusted,
          keys: 'E010C0060110A180A003C0060210A180A003',
          owned: false,
          maker: '01',
          provider: hex(who.reference),
        });
      }
      expect((await attest(card)).keys).equal(await card.ok('80CA00E000'));
    }),
  );

  it(
    'says of the own pair that the domain is owned and who made it, before and after the certificate',
    withIssuerCard({ casd: true }, async (card) => {
      const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
      const modulus = await generate(session, '11');
      const expected = {
        aid: SSD,
        reference: '1102',
        modulus: hex(modulus),
        digest: trusted,
        keys: 'E010C0060110A180A003C0060211A180A003',
        owned: true,
        maker: '02',
        provider: hex(who.reference),
      };
      await card.select(SSD);
      expect(await attest(card)).deep.equal(expected);
      const again = await openProvider(card, SSD, who, modulus);
      expect(await again.storeData(domainCertificate(who, modulus))).equal('9000');
      await card.select(SSD);
      expect(await attest(card)).deep.equal(expected);
    }),
  );

  it(
    'covers version and holder reference of the trust point, and fits 3072-bit keys',
    withIssuerCard({ casd: true }, async (card) => {
      const large = provider('provider a', 3072);
      const issuer = await openIssuer(card);
      await prepare(issuer, SSD, large);
      await card.select(SSD);
      const { digest } = await attest(card);
      expect(digest).equal(hex(trustPointDigest({ kvn: '10', key: providerCa(large), reference: large.authority })));
      await card.select(ISD);
      const again = await openIssuer(card);
      await target(again, SSD);
      await putTrustPoint(again, '12', providerCa(large), who.reference);
      await card.select(SSD);
      expect((await attest(card)).digest).equal(
        hex(trustPointDigest({ kvn: '12', key: providerCa(large), reference: who.reference })),
      );
    }),
  );

  it(
    'refuses without an authority, a key pair, a trust point or a nonce in form',
    withIssuerCard({ casd: true }, async (card) => {
      const request = attestationRequest();
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
      const request = attestationRequest();
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
      await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      await card.ok(attestationRequest(), '6A88');
    }),
  );

  it(
    'is refused by an authority without a certificate, whose signature nobody could check',
    withIssuerCard({ change: (image) => ({ ...image, casd: { ...casdImage(), certificate: null } }) }, async (card) => {
      await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      await card.ok(attestationRequest(), '6985');
    }),
  );
});
