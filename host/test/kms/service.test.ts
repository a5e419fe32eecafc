// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import { publicKeyOf, rsaSigner } from '../../crypto/rsa.ts';
import {
  CertificateError,
  LifeCycleError,
  NotFoundError,
  PolicyError,
  TransportError,
  TsmError,
} from '../../errors.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { aid } from '../../wire/gp/aid.ts';
import {
  type AttestationContent,
  encodeAttestation,
  encodeAttestationToSign,
  encodeAttestedData,
  encodeTrustPoints,
} from '../../wire/gp/attestation.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, type PublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { AttestationClaim, OpenScp10Channel, PlainCommand } from '../../wire/message/kms.ts';
import { failure } from '../transport/framed-card.ts';
import { LABEL, openPlatform, TestFolder, type TestPlatform } from './fixture.ts';

const newKey = (): KeyObject =>
  createPrivateKey(
    generateKeyPairSync('rsa', {
      modulusLength: 1024,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
  );
const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest());
const MAKER = fromHex('4D'.repeat(16));
const maker = newKey();
const casd = newKey();
const ssd = newKey();
const stranger = newKey();
const HOLDER = 'A5'.repeat(16);
const PROVIDER = '50'.repeat(16);
const CARD = { iin: fromHex('8986'), cin: fromHex('0110') };

const casdCertificate = (
  signer = maker,
  holderAuthorization: number = CHA.CONTROLLING_AUTHORITY,
  authorityReference = MAKER,
  bound: { readonly card?: typeof CARD } = { card: CARD },
): Promise<string> =>
  issueCardCertificate(
    {
      serial: fromHex('01'),
      authorityReference,
      holderReference: fromHex(HOLDER),
      holderAuthorization,
      ...(holderAuthorization === CHA.CONTROLLING_AUTHORITY ? bound : {}),
      publicKey: publicKeyOf(casd),
    },
    rsaSigner(signer),
  ).then(toHex);

/** `C0 06 KID KVN A1 length A0 03` */
const keyEntry = ({ kvn, kid }: { kvn: number; kid: number }): Uint8Array =>
  Uint8Array.of(0xc0, 6, kid, kvn, 0xa1, 0x80, 0xa0, 3);

const keyList = (...entries: readonly Uint8Array[]): Uint8Array => encodeTlv(0xe0, ...entries);

/** D of the one trust point of our CA. */
const digestOf = (holderReference: string, publicKey: PublicKey): Uint8Array =>
  sha256(
    encodeTrustPoints([{ reference: KEY_REFERENCE.TRUST_POINT, publicKey, holderReference: fromHex(holderReference) }]),
  );

/** What the card's CASD would say, with the given falsehoods. */
function attest(
  nonce: string,
  trustPointDigest: Uint8Array,
  change: Partial<AttestationContent> = {},
  signer = casd,
): string {
  const keyReference = change.keyReference ?? KEY_REFERENCE.OWN_KEY_PAIR;
  const content: AttestationContent = {
    aid: aid('F06F70656E74736D10'),
    ...CARD,
    casdSerial: fromHex('01'),
    keyReference,
    publicKey: publicKeyOf(ssd),
    trustPointDigest,
    nonce: fromHex(nonce),
    keyInformation: keyList(keyEntry(KEY_REFERENCE.TRUST_POINT), keyEntry(keyReference)),
    owned: true,
    maker: 'owner',
    applicationProviderId: fromHex(PROVIDER),
    ...change,
  };
  const toSign = encodeAttestationToSign(content, sha256(encodeAttestedData(content)));
  return toHex(encodeAttestation(content, new Uint8Array(sign('sha256', toSign, signer))));
}

async function world(folder: string, more = {}) {
  const platform = await openPlatform(folder, {
    cardMakers: [{ holderReference: MAKER, publicKey: publicKeyOf(maker) }],
    ...more,
  });
  const { holderReference, publicKey } = await platform.kms.certificateAuthority();
  const trustPoint = { holderReference, publicKey };
  const trustPointDigest = digestOf(holderReference, fromRsaPublicKey(publicKey));
  const expected = {
    aid: 'F06F70656E74736D10',
    keyReference: '1102',
    publicKey: toRsaPublicKey(publicKeyOf(ssd)),
    trustPoint,
    applicationProviderId: PROVIDER,
    ...({ owned: true, maker: 'owner' } as const),
    iin: '8986',
    cin: '0110',
  };
  return { ...platform, trustPointDigest, expected };
}

describe('KMS attestations', () => {
  async function claimWith(
    { kms, trustPointDigest, expected }: Awaited<ReturnType<typeof world>>,
    options: {
      change?: Partial<AttestationContent>;
      signer?: KeyObject;
      certificate?: Promise<string>;
      expect?: Partial<AttestationClaim['expected']>;
    } = {},
  ): Promise<AttestationClaim> {
    const { challengeId, nonce } = await kms.createAttestationChallenge();
    return {
      challengeId,
      attestation: attest(nonce, trustPointDigest, options.change, options.signer),
      casdCertificate: await (options.certificate ?? casdCertificate()),
      expected: { ...expected, ...options.expect },
    };
  }

  it('are believed when maker, CASD, content and nonce fit', async () => {
    await using folder = await TestFolder.make();
    const own = await world(folder.path);
    const facts = await own.kms.verifyAttestation(await claimWith(own));
    expect(facts).to.deep.equal({
      aid: 'F06F70656E74736D10',
      iin: '8986',
      cin: '0110',
      keyReference: '1102',
      publicKey: own.expected.publicKey,
      owned: true,
      maker: 'owner',
      casdHolderReference: HOLDER,
    });
  });

  for (const { name, options, code } of [
    { name: 'an older nonce', options: { change: { nonce: new Uint8Array(16) } }, code: 'attestation-subject' },
    { name: 'another AID', options: { change: { aid: aid('F06F70656E74736D11') } }, code: 'attestation-subject' },
    { name: 'another card', options: { change: { cin: fromHex('0111') } }, code: 'casd-other-card' },
    {
      name: 'another certificate of the CASD',
      options: { change: { casdSerial: fromHex('02') } },
      code: 'casd-serial',
    },
    {
      name: 'a CASD that is bound to no card',
      options: { certificate: casdCertificate(maker, CHA.CONTROLLING_AUTHORITY, MAKER, {}) },
      code: 'casd-unbound',
    },
    { name: 'a domain that is not owned', options: { change: { owned: false } }, code: 'attestation-content' },
    { name: 'a pair that another made', options: { change: { maker: 'delegated' } }, code: 'attestation-content' },
    {
      name: 'another provider id',
      options: { change: { applicationProviderId: fromHex('49'.repeat(16)) } },
      code: 'attestation-content',
    },
    {
      name: 'a key that must not be there',
      options: {
        change: {
          keyInformation: concat(
            keyList(
              keyEntry(KEY_REFERENCE.TRUST_POINT),
              keyEntry(KEY_REFERENCE.OWN_KEY_PAIR),
              keyEntry({ kvn: 0x12, kid: 1 }),
            ),
          ),
        },
      },
      code: 'attestation-own-keys',
    },
    {
      name: 'a key list without the trust point',
      options: { change: { keyInformation: keyList(keyEntry(KEY_REFERENCE.OWN_KEY_PAIR)) } },
      code: 'attestation-content',
    },
    {
      name: 'another key reference',
      options: { change: { keyReference: KEY_REFERENCE.INITIAL_KEY_PAIR } },
      code: 'attestation-content',
    },
    {
      name: 'another public key',
      options: { change: { publicKey: publicKeyOf(stranger) } },
      code: 'attestation-content',
    },
    {
      name: 'another trust point',
      options: { change: { trustPointDigest: new Uint8Array(32) } },
      code: 'attestation-content',
    },
    { name: 'another signer', options: { signer: stranger }, code: 'attestation-signature' },
    {
      name: 'a CASD of an unknown maker',
      options: { certificate: casdCertificate(maker, CHA.CONTROLLING_AUTHORITY, fromHex('00'.repeat(16))) },
      code: 'card-maker-unknown',
    },
    {
      name: 'a CASD certificate that the maker did not sign',
      options: { certificate: casdCertificate(stranger) },
      code: 'certificate-signature',
    },
    {
      name: 'a security domain that plays the CASD',
      options: { certificate: casdCertificate(maker, CHA.SECURITY_DOMAIN) },
      code: 'certificate-usage',
    },
  ] as const) {
    it(`are refused with ${name}`, async () => {
      await using folder = await TestFolder.make();
      const own = await world(folder.path);
      expect(await failure(own.kms.verifyAttestation(await claimWith(own, options))))
        .to.be.instanceOf(CertificateError)
        .and.include({ code });
    });
  }

  it('use up their challenge: the same again is fine, another one is not, and none lives for ever', async () => {
    await using folder = await TestFolder.make();
    let now = 0;
    const own = await world(folder.path, { now: () => now });
    const claim = await claimWith(own);
    await own.kms.verifyAttestation(claim);
    await own.kms.verifyAttestation(claim);
    const other = { ...claim, attestation: (await claimWith(own)).attestation };
    expect(await failure(own.kms.verifyAttestation(other)))
      .to.be.instanceOf(CertificateError)
      .and.include({ code: 'challenge-used' });
    expect(await failure(own.kms.verifyAttestation({ ...claim, challengeId: 'unknown' }))).to.be.instanceOf(
      NotFoundError,
    );
    now = 3_600_000;
    expect(await failure(own.kms.verifyAttestation(claim))).to.be.instanceOf(NotFoundError);
  });

  it('of noise or changed bytes end in one of our errors', async () => {
    await using folder = await TestFolder.make();
    const own = await world(folder.path);
    const good = await claimWith(own);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(7),
        fc.boolean(),
        fc.uint8Array({ maxLength: 80 }),
        async (position, bit, inCertificate, noise) => {
          const { challengeId } = await own.kms.createAttestationChallenge();
          const bytes = fromHex(inCertificate ? good.casdCertificate : good.attestation);
          bytes[position % bytes.length] = (bytes[position % bytes.length] ?? 0) ^ (1 << bit);
          for (const text of [toHex(bytes), toHex(noise)]) {
            const changed = inCertificate ? { casdCertificate: text } : { attestation: text };
            expect(await failure(own.kms.verifyAttestation({ ...good, challengeId, ...changed }))).to.be.instanceOf(
              TsmError,
            );
          }
        },
      ),
      { numRuns: soakRuns(60) },
    );
  });

  it('are what certificates for security domains need, for the very key and our own CA', async () => {
    await using folder = await TestFolder.make();
    const own = await world(folder.path);
    const request = { holderReference: HOLDER, publicKey: own.expected.publicKey };
    const { kms } = own;
    expect(await failure(kms.issueSecurityDomainCertificate(request))).to.be.instanceOf(PolicyError);
    expect(
      await failure(kms.issueSecurityDomainCertificate({ ...request, withoutAttestation: true })),
    ).to.be.instanceOf(PolicyError);
    const forOther = { ...request, publicKey: toRsaPublicKey(publicKeyOf(stranger)), claim: await claimWith(own) };
    expect(await failure(kms.issueSecurityDomainCertificate(forOther))).to.deep.include({
      code: 'attestation-content',
      context: { differs: 'publicKey' },
    });
    const issued = await kms.issueSecurityDomainCertificate({ ...request, claim: await claimWith(own) });
    expect(issued.holderReference).to.equal(HOLDER);
    const unfit = { ...request, publicKey: { ...request.publicKey, exponent: '03' }, claim: await claimWith(own) };
    expect(await failure(kms.issueSecurityDomainCertificate(unfit))).to.include({ code: 'key-unfit' });
  });

  // A platform process that lies about what it expects gets no certificate for it.
  for (const { name, change, differs } of [
    { name: 'a domain that is not owned', change: { owned: false, maker: 'delegated' }, differs: 'owned maker' },
    { name: 'a pair made by delegation', change: { maker: 'delegated' }, differs: 'maker' },
    { name: 'the first pair', change: { keyReference: KEY_REFERENCE.INITIAL_KEY_PAIR }, differs: 'keyReference' },
    { name: 'the trust point of another CA', change: { trustPointDigest: new Uint8Array(32) }, differs: 'trustPoint' },
  ] as const) {
    it(`give no certificate for ${name}, whatever the platform claims to expect`, async () => {
      await using folder = await TestFolder.make();
      const own = await world(folder.path);
      const { keyReference, owned, maker: made, ...rest } = own.expected;
      const foreign = { holderReference: HOLDER, publicKey: toRsaPublicKey(publicKeyOf(stranger)) };
      const claim = await claimWith(own, { change });
      const request = { holderReference: HOLDER, publicKey: own.expected.publicKey };
      for (const trustPoint of [rest.trustPoint, foreign]) {
        const lied = { ...request, claim: { ...claim, expected: { ...rest, trustPoint } } };
        expect(await failure(own.kms.issueSecurityDomainCertificate(lied)))
          .to.be.instanceOf(CertificateError)
          .and.deep.include({ code: 'attestation-content', context: { differs } });
      }
    });
  }
});

describe('KMS secure channels', () => {
  const request = ({ certificate }: TestPlatform): OpenScp10Channel => ({
    protocol: 'scp10',
    options: '02',
    securityLevel: '33',
    offCardEntityLabel: LABEL,
    certificates: [certificate],
    securityDomainKey: toRsaPublicKey(publicKeyOf(ssd)),
  });

  it('are bounded in number, and idle ones make room', async () => {
    await using folder = await TestFolder.make();
    let now = 0;
    const own = await openPlatform(folder.path, { limits: { maxOpen: 2, idleMs: 1_000 }, now: () => now });
    const first = await own.kms.openSecureChannel(request(own));
    await own.kms.openSecureChannel(request(own));
    expect(await failure(own.kms.openSecureChannel(request(own))))
      .to.be.instanceOf(TransportError)
      .and.include({ code: 'kms-busy' });
    now = 2_000;
    await own.kms.openSecureChannel(request(own));
    expect(own.kms.channels.size).to.equal(1);
    expect(await failure(own.kms.wrap(first.channelId, { commands: [] }))).to.be.instanceOf(NotFoundError);
  });

  it('can be closed twice, and are gone then', async () => {
    await using folder = await TestFolder.make();
    const own = await openPlatform(folder.path);
    const { channelId } = await own.kms.openSecureChannel(request(own));
    await own.kms.closeSecureChannel(channelId);
    await own.kms.closeSecureChannel(channelId);
    expect(await failure(own.kms.authenticate(channelId, { responses: [], commands: [] }))).to.be.instanceOf(
      NotFoundError,
    );
  });

  it('take no command that names a key before they are open, and keep nothing of it', async () => {
    await using folder = await TestFolder.make();
    const own = await openPlatform(folder.path);
    const named: readonly Partial<PlainCommand>[] = [
      { purseKeys: { keySet: 'none', serial: '00'.repeat(8) } },
      { contentKey: 'none' },
    ];
    for (const key of named) {
      const { channelId, commands } = await own.kms.openSecureChannel(request(own));
      const responses = commands.map((_command, index) => ({ data: index === 0 ? '' : '00'.repeat(16), sw: '9000' }));
      const store = { label: 'STORE DATA', cla: 0x80, ins: 0xe2, p1: 0x90, p2: 0, data: '', le: false, ...key };
      expect(await failure(own.kms.authenticate(channelId, { responses, commands: [store] })))
        .to.be.instanceOf(LifeCycleError)
        .and.include({ code: 'keys-before-session' });
      await own.kms.closeSecureChannel(channelId);
    }
  });

  it('are not opened with a certificate of another key, or without one that can be read', async () => {
    await using folder = await TestFolder.make();
    const own = await openPlatform(folder.path);
    await own.kms.createKeyPair({ label: 'second', purpose: 'off-card-entity', keySizeBits: 1024 });
    const wrong = { ...request(own), offCardEntityLabel: 'second' };
    expect(await failure(own.kms.openSecureChannel(wrong)))
      .to.be.instanceOf(CertificateError)
      .and.include({ code: 'certificate-key' });
    expect(await failure(own.kms.openSecureChannel({ ...request(own), certificates: ['7F2100'] }))).to.be.instanceOf(
      TsmError,
    );
    expect(await failure(own.kms.openSecureChannel({ ...request(own), offCardEntityLabel: 'none' }))).to.be.instanceOf(
      NotFoundError,
    );
    expect(own.kms.channels.size).to.equal(0);
  });

  it('never show their keys in a script, an answer or an error', async () => {
    await using folder = await TestFolder.make();
    const drawn: string[] = [];
    const own = await openPlatform(folder.path, {
      random: (length, purpose) => {
        const bytes = new Uint8Array(length).map((_, index) => 0x40 + drawn.length * 32 + index);
        if (purpose.endsWith('-key')) drawn.push(toHex(bytes));
        return bytes;
      },
    });
    const opening = await own.kms.openSecureChannel(request(own));
    const responses = [
      ...opening.commands.slice(1).map(() => ({ data: '', sw: '9000' })),
      { data: '00'.repeat(16), sw: '9000' },
    ];
    const script = await own.kms.authenticate(opening.channelId, { responses, commands: [] });
    const wrong = await failure(
      own.kms.unwrap(opening.channelId, {
        responses: [
          { data: '', sw: '9000' },
          { data: 'AA', sw: '9000' },
        ],
      }),
    );
    const shown = [
      JSON.stringify([opening, script]),
      JSON.stringify(wrong),
      `${wrong.stack}${JSON.stringify(wrong.cause ?? '')}`,
    ]
      .join('\n')
      .toUpperCase();
    expect(drawn).to.have.length(3);
    for (const key of drawn) for (const half of [key.slice(0, 16), key.slice(16)]) expect(shown).to.not.include(half);
  });
});
