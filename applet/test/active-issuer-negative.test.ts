// SPDX-License-Identifier: Apache-2.0
/**
 * An issuer that does everything its own session allows, to keep a way into a provider's domain (applet/README.md
 * 5.8). Each attack ends with what refuses it: a status word, or what the attestation shows to the provider.
 */
import { expect } from 'chai';
import { type Attested, attest, attestationRequest, trustPointDigest } from './support/attestation.ts';
import { ISD, type TestCard, withIssuerCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  generateData,
  install,
  OTHER_SSD,
  openProvider,
  type Provider,
  prepare,
  provider,
  providerCa,
  providerCertificate,
  providerKey,
  putTrustPoint,
  SSD,
  target,
} from './support/domains.ts';
import { privateKeyData, publicKeyData, rsaKey } from './support/keys.ts';
import { Initiation, openIssuer, openSession, type Session } from './support/scp10-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

const who = provider('provider a');
/** The issuer under the provider's name, certified by a CA of its own. */
const impostor: Provider = { ...provider('issuer as provider'), reference: who.reference, authority: who.authority };

const digestOf = (side: Provider, kvn = '10'): string =>
  hex(trustPointDigest({ kvn, key: providerCa(side), reference: side.authority }));

const kvns = Array.from({ length: 0x7f }, (_, i) => (i + 1).toString(16).padStart(2, '0').toUpperCase());

/** A session of the issuer that hands commands on to `aid`. */
async function personalizing(card: TestCard, aid = SSD): Promise<Session> {
  await card.select(ISD);
  const issuer = await openIssuer(card);
  await target(issuer, aid);
  return issuer;
}

async function attested(card: TestCard, aid = SSD): Promise<Attested> {
  await card.select(aid);
  return attest(card);
}

/** True when the side's own certificate opens a session with the domain whose pair has this modulus. */
async function opens(card: TestCard, side: Provider, modulus: Buffer): Promise<boolean> {
  await card.select(SSD);
  const initiation = new Initiation(card, modulus, { oce: providerKey(side) });
  for (const act of [
    () => initiation.manage(),
    () => initiation.certificate(providerCertificate(side)),
    () => initiation.decipher(),
    () => initiation.getChallenge(),
    () => initiation.external(),
  ]) {
    if ((await act()).sw !== '9000') return false;
  }
  return true;
}

/** Steps 47 to 57: a domain of the provider's; answers the modulus of its own pair. */
async function owned(card: TestCard): Promise<{ session: Session; modulus: Buffer }> {
  const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
  return { session, modulus: await generate(session, '11') };
}

/** Every write there is by delegation; answers the status words. */
async function delegatedWrites(issuer: Session, modulus: Buffer): Promise<string[]> {
  const certificate = domainCertificate(impostor, modulus);
  const trustPoint = publicKeyData('10', providerCa(impostor), impostor.authority);
  return [
    (await issuer.sendLong('80D80001', trustPoint)).sw,
    (await issuer.sendLong('80D80002', certificateKeyData('11', certificate))).sw,
    (await issuer.sendLong('80D80002', privateKeyData('11', rsaKey('known to the issuer'))[0] ?? bytes(''))).sw,
    await issuer.storeData(certificate),
    await issuer.storeData(tlv('42', '0102')),
    await issuer.storeData(tlv('5F20', who.reference)),
  ];
}

describe('An issuer before the provider comes', () => {
  it(
    'makes no pair under any reference but the first one',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      const issuer = await personalizing(card);
      for (const kvn of kvns.filter((value) => value !== '10')) {
        await issuer.ok('80478000', generateData(kvn, 1024), true, '6985');
      }
      for (const kid of ['00', '01', '03', '10', 'FF']) {
        await issuer.ok('80478000', tlv('A4', `840211${kid}`, '91020400'), true, '6A88');
      }
      for (const kvn of ['00', '80', 'FF']) await issuer.ok('80478000', generateData(kvn, 1024), true, '6A80');
      const shown = await attested(card);
      expect([shown.reference, shown.modulus, shown.owned, shown.maker]).deep.equal(['1002', hex(first), false, '01']);
    }),
  );

  it(
    'makes the first pair again, and the provider sees another key than it was told of',
    withIssuerCard({ casd: true }, async (card) => {
      const told = await prepare(await openIssuer(card), SSD, who);
      const issuer = await personalizing(card);
      const made = await generate(issuer, '10');
      const shown = await attested(card);
      expect(shown).include({ reference: '1002', modulus: hex(made), owned: false, maker: '01' });
      expect(shown.modulus).not.equal(hex(told));
    }),
  );

  it(
    'stores no certificate, though its key is the live one',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      const issuer = await personalizing(card);
      const certificate = domainCertificate(who, first);
      expect((await issuer.sendLong('80D80002', certificateKeyData('10', certificate))).sw).equal('6985');
      expect(await issuer.storeData(certificate)).equal('6985');
      // nor does anything in the same command count
      expect(await issuer.storeData(Buffer.concat([tlv('42', '0102'), certificate]))).equal('6985');
      await card.select(SSD);
      await card.ok('80CA7F2100', '6A88');
      await card.ok('80CA004200', '6A88');
      expect((await attest(card)).owned).equal(false);
    }),
  );

  it(
    'puts its own trust point, and D is not the one the provider expects; put back, only the provider gets in',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      await putTrustPoint(await personalizing(card), '10', providerCa(impostor), impostor.authority);
      const swapped = await attested(card);
      expect(swapped.digest).not.equal(digestOf(who));
      expect(swapped.digest).equal(digestOf(impostor));
      // the right key under another version or without its holder is another D as well
      await putTrustPoint(await personalizing(card), '12', providerCa(who), who.authority);
      expect((await attested(card)).digest).not.equal(digestOf(who));
      const unnamed = await (await personalizing(card)).sendLong('80D80001', publicKeyData('10', providerCa(who)));
      expect(unnamed.sw).equal('9000');
      expect((await attested(card)).digest).not.equal(digestOf(who));
      await putTrustPoint(await personalizing(card), '10', providerCa(who), who.authority);
      const back = await attested(card);
      expect(back).include({ digest: digestOf(who), keys: 'E010C0060110A180A003C0060210A180A003', owned: false });
      expect(await opens(card, impostor, first)).equal(false);
      expect(await opens(card, who, first)).equal(true);
    }),
  );

  it(
    'owns the domain first through a trust point of its own, and has no way in once the provider sees its own D',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      await putTrustPoint(await personalizing(card), '10', providerCa(impostor), impostor.authority);
      const session = await openProvider(card, SSD, impostor, first);
      const made = await generate(session, '11');
      expect(await attested(card)).include({ digest: digestOf(impostor), owned: true, maker: '02' });
      const again = await openProvider(card, SSD, impostor, made);
      await putTrustPoint(again, '10', providerCa(who), who.authority);
      expect(await attested(card)).include({ reference: '1102', digest: digestOf(who), owned: true, maker: '02' });
      // the pair was made on the card, and nothing of the issuer's is left in it
      expect(await opens(card, impostor, made)).equal(false);
      expect(new Set(await delegatedWrites(await personalizing(card), made))).deep.equal(new Set(['6985']));
      expect(await opens(card, who, made)).equal(true);
    }),
  );

  it(
    'makes a second domain for the same provider, and the attestation names it',
    withIssuerCard({ casd: true }, async (card) => {
      await prepare(await openIssuer(card), SSD, who);
      await card.select(ISD);
      const other = await prepare(await openIssuer(card), OTHER_SSD, who);
      expect(await attested(card, SSD)).include({ aid: SSD, provider: hex(who.reference) });
      expect(await attested(card, OTHER_SSD)).include({
        aid: OTHER_SSD,
        modulus: hex(other),
        provider: hex(who.reference),
        digest: digestOf(who),
        owned: false,
      });
    }),
  );

  it(
    'names another application provider, and the attestation shows it',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, { ...who, reference: provider('provider b').reference });
      await target(issuer, SSD);
      await generate(issuer, '10');
      await putTrustPoint(issuer, '10', providerCa(who), who.authority);
      expect((await attested(card)).provider).not.equal(hex(who.reference));
      expect(await (await personalizing(card)).storeData(tlv('5F20', who.reference))).equal('6A88');
    }),
  );

  it(
    'loads a pair it knows before issuance, under any reference, and gets no attestation for it',
    withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
      const known = rsaKey('known to the issuer');
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await target(issuer, SSD);
      await putTrustPoint(issuer, '10', providerCa(who), who.authority);
      for (const kvn of ['10', '11']) {
        const open = await personalizing(card);
        expect((await open.sendLong('80D80002', privateKeyData(kvn, known)[0] ?? bytes(''))).sw).equal('9000');
        await card.select(SSD);
        await card.ok(attestationRequest(), '6985');
      }
      await card.select(ISD);
      await card.ok('80F0800F');
      // the provider's own pair is another one, made here
      const session = await openProvider(card, SSD, who, known.n);
      const modulus = await generate(session, '11');
      expect(await attested(card)).include({ modulus: hex(modulus), owned: true, maker: '02' });
      expect(await opens(card, who, known.n)).equal(false);
    }),
  );
});

describe('An issuer after the provider', () => {
  it(
    'is refused with 6985 for every reference and every write, from the first GENERATE and past the certificate on',
    withIssuerCard({ casd: true }, async (card) => {
      const { modulus } = await owned(card);
      const before = await attested(card);
      const tries = async (): Promise<void> => {
        const issuer = await personalizing(card);
        for (const kvn of kvns) await issuer.ok('80478000', generateData(kvn, 1024), true, '6985');
        expect(new Set(await delegatedWrites(issuer, modulus))).deep.equal(new Set(['6985']));
      };
      await tries();
      expect(await attested(card)).deep.equal(before);
      const session = await openProvider(card, SSD, who, modulus);
      expect(await session.storeData(domainCertificate(who, modulus))).equal('9000');
      await tries();
      expect(await attested(card)).deep.equal(before);
      expect(await opens(card, impostor, modulus)).equal(false);
    }),
  );

  for (const [write, act] of [
    ['PUT KEY of a trust point', (s: Session) => putTrustPoint(s, '10', providerCa(who), who.authority)],
    ['STORE DATA', async (s: Session) => expect(await s.storeData(tlv('42', '0102'))).equal('9000')],
    [
      'a certificate of the first pair',
      async (s: Session, first: Buffer) => expect(await s.storeData(domainCertificate(who, first))).equal('9000'),
    ],
  ] as const) {
    it(
      `is refused from the owner's first write on, be it ${write}`,
      withIssuerCard({ casd: true }, async (card) => {
        const first = await prepare(await openIssuer(card), SSD, who);
        await act(await openProvider(card, SSD, who, first), first);
        // owned, but the pair is the one made by delegation: nobody certifies it
        expect(await attested(card)).include({ reference: '1002', owned: true, maker: '01' });
        const issuer = await personalizing(card);
        await issuer.ok('80478000', generateData('10', 1024), true, '6985');
        expect(new Set(await delegatedWrites(issuer, first))).deep.equal(new Set(['6985']));
        const modulus = await generate(await openProvider(card, SSD, who, first), '11');
        expect(await attested(card)).include({ modulus: hex(modulus), owned: true, maker: '02' });
      }),
    );
  }

  it(
    'leaves personalization open across the session of the provider, and finds it closed',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      const issuer = await personalizing(card);
      const session = await openProvider(card, SSD, who, first);
      const modulus = await generate(session, '11');
      const before = await attested(card);
      // in the middle of the provider's session a command of the issuer's ends it, and changes nothing
      expect((await issuer.send('80478000', generateData('10', 1024), true)).sw).equal('6982');
      await card.select(ISD);
      expect((await issuer.send('80478000', generateData('10', 1024), true)).sw).equal('6982');
      // a session of its own names no domain any more
      const next = await openIssuer(card);
      await next.ok('80478000', generateData('10', 1024), true, '6985');
      expect(await attested(card)).deep.equal(before);
      expect(await opens(card, who, modulus)).equal(true);
    }),
  );

  it(
    'cannot have the first pair back by the owner, who makes every pair but that one',
    withIssuerCard({ casd: true }, async (card) => {
      const { session } = await owned(card);
      await session.ok('80478000', generateData('10', 1024), true, '6985');
      expect(await attested(card)).include({ reference: '1102', owned: true, maker: '02' });
    }),
  );
});

describe('A domain that the issuer deletes and makes again under the same AID', () => {
  /** How far the first life of the domain went, and the modulus the provider then knows. */
  const stages: readonly (readonly [string, (card: TestCard) => Promise<Buffer>])[] = [
    [
      'after 47',
      async (card) => {
        await install(await openIssuer(card), SSD, who);
        return rsaKey('provider a').n;
      },
    ],
    ['after 51', async (card) => prepare(await openIssuer(card), SSD, who)],
    [
      'after 55',
      async (card) => {
        const first = await prepare(await openIssuer(card), SSD, who);
        await openProvider(card, SSD, who, first);
        return first;
      },
    ],
    ['after 57', async (card) => (await owned(card)).modulus],
    [
      'after 60',
      async (card) => {
        const { session, modulus } = await owned(card);
        expect(await session.storeData(domainCertificate(who, modulus))).equal('9000');
        return modulus;
      },
    ],
  ];
  for (const [stage, live] of stages) {
    it(
      `${stage} is nobody's, has neither pair nor certificate of its first life, and says so`,
      withIssuerCard({ casd: true }, async (card) => {
        const known = await live(card);
        await card.select(ISD);
        const issuer = await openIssuer(card);
        await issuer.ok('80E40000', tlv('4F', SSD), true);
        const made = await prepare(issuer, SSD, who);
        expect(await attested(card)).include({
          aid: SSD,
          reference: '1002',
          modulus: hex(made),
          digest: digestOf(who),
          owned: false,
          maker: '01',
        });
        await card.ok('80CA7F2100', '6A88');
        expect(await opens(card, who, known)).equal(false);
        // its owner begins anew
        const session = await openSession(card, made, {
          oce: providerKey(who),
          certificates: [providerCertificate(who)],
        });
        await generate(session, '11');
        expect(await attested(card)).include({ reference: '1102', owned: true, maker: '02' });
      }),
    );
  }
});
