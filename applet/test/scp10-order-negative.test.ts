// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ISD, ISSUER, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import { type CertificateFields, certificate, holder, rsaKey } from './support/keys.ts';
import { challengedForReceiver, Initiation, issuerCertificate, openIssuer, Session } from './support/scp10-host.ts';

const isd = (): Buffer => rsaKey('isd').n;
const issuerFields = (): CertificateFields => ({ issuer: ISSUER_CA, holder: ISSUER, modulus: rsaKey('issuer').n });

async function prepared(card: TestCard): Promise<Initiation> {
  const initiation = new Initiation(card, isd());
  await initiation.manage();
  await initiation.certificate(issuerCertificate());
  await initiation.decipher();
  return initiation;
}

/** No keys and no session are left: a challenge and an authentication would need an earlier MSE. */
async function expectIdle(card: TestCard): Promise<void> {
  await card.ok('0084000000', '6985');
  expect(await card.ok('80CA00D300')).equal('D30100');
}

describe('SCP10 commands out of order', () => {
  const outOfOrder: [string, string][] = [
    ['GET CHALLENGE without an environment', '0084000000'],
    ['EXTERNAL AUTHENTICATE without an environment', `0082000080${'11'.repeat(128)}`],
    ['INTERNAL AUTHENTICATE without a session', `0088000018${'11'.repeat(24)}00`],
    ['PSO DECIPHER without an environment', `002A808480${'11'.repeat(128)}`],
  ];
  for (const [name, command] of outOfOrder) {
    it(
      `are refused: ${name}`,
      withIssuerCard({}, async (card) => {
        await card.ok(command, '6985');
        await expectIdle(card);
      }),
    );
  }

  it(
    'drop the challenge: a command between GET CHALLENGE and EXTERNAL AUTHENTICATE',
    withIssuerCard({}, async (card) => {
      const initiation = await prepared(card);
      await initiation.getChallenge();
      await card.ok('80CA00D300');
      expect((await initiation.external()).sw).equal('6985');
      await expectIdle(card);
    }),
  );

  const between: [string, string, string][] = [
    ['a part of a chain', '80D8800101AA', '9000'],
    ['a command of an unknown class', 'A0A40000', '6E00'],
    ['a command that cannot be chained', '1022C1B604', '6884'],
    ['a protected command', '8CCA00D300', '6982'],
    ['an unknown instruction', '80FE0000', '6D00'],
  ];
  for (const [name, command, sw] of between) {
    it(
      `drop the challenge: ${name}`,
      withIssuerCard({}, async (card) => {
        const initiation = await prepared(card);
        await initiation.getChallenge();
        await card.ok(command, sw);
        // the first one may be refused as an interruption of the chain alone
        for (let time = 0; time < 2; time++) expect((await initiation.external()).sw).equal('6985');
        await expectIdle(card);
      }),
    );
  }

  it(
    'drop the initiation: EXTERNAL AUTHENTICATE without T, without a certificate, under a CA certificate',
    withIssuerCard({}, async (card) => {
      const initiation = new Initiation(card, isd());
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      await initiation.getChallenge();
      expect((await initiation.external()).sw).equal('6985');
      await initiation.manage();
      await initiation.decipher();
      await initiation.getChallenge();
      expect((await initiation.external()).sw).equal('6985');
      await initiation.manage();
      await initiation.certificate(certificate({ ...issuerFields(), authorization: '01' }, rsaKey('issuer ca')));
      await initiation.decipher();
      await initiation.getChallenge();
      expect((await initiation.external()).sw).equal('6985');
      await expectIdle(card);
    }),
  );

  const receivers: [string, (initiation: Initiation) => Buffer][] = [
    ['without a receiver where T says that there is one', (initiation) => initiation.signature()],
    ["for another domain's pair", (initiation) => initiation.signatureFor(rsaKey('issuer').n)],
    [
      'over the receiver before the challenge, where it could be one more template',
      (initiation) => initiation.signature(Buffer.concat([initiation.templates, isd()])),
    ],
    ['for our pair cut short', (initiation) => initiation.signatureFor(isd().subarray(1))],
  ];
  for (const [name, signature] of receivers) {
    it(
      `drop the initiation: a signature ${name}`,
      withIssuerCard({}, async (card) => {
        const initiation = await challengedForReceiver(card, 0x33);
        expect((await initiation.external(signature(initiation))).sw).equal('6300');
        await expectIdle(card);
      }),
    );
  }

  it(
    'drop the initiation: a signature for our pair where T names no receiver, and T with bit 08 of the level',
    withIssuerCard({}, async (card) => {
      const initiation = await prepared(card);
      await initiation.getChallenge();
      expect((await initiation.external(initiation.signatureFor(isd()))).sw).equal('6300');
      await expectIdle(card);
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      initiation.templates[2] = 0x3b;
      expect((await initiation.decipher()).sw).equal('6A80');
    }),
  );

  it(
    'abort the session: a second INTERNAL AUTHENTICATE, or one after another command',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card, 0x00);
      expect((await session.send('00880000', randomBytes(24), true)).sw).equal('6985');
      expect((await session.send('80CA00D3', '', true)).sw).equal('6982');
      const initiation = new Initiation(card, isd(), { level: 0x00 });
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      await initiation.decipher();
      await initiation.getChallenge();
      await initiation.external();
      await card.ok('80CA00D300');
      expect((await initiation.internal()).sw).equal('6985');
      await card.ok('80CA00D300', '6982');
      await card.select(ISD);
      expect(await card.ok('80CA00D300')).equal('D30100');
    }),
  );

  it(
    'abort the session: INTERNAL AUTHENTICATE of a wrong length or with wrong parameters',
    withIssuerCard({}, async (card) => {
      for (const [command, sw] of [
        [`0088000017${'11'.repeat(23)}00`, '6A80'],
        [`0088000100`, '6A86'],
      ] as const) {
        const initiation = await prepared(card);
        await initiation.getChallenge();
        expect((await initiation.external()).sw).equal('9000');
        await card.ok(command, sw);
        const session = new Session(card, initiation.messaging());
        expect((await session.send('80CA00D3', '', true)).sw).equal('6982');
      }
    }),
  );

  it(
    'end the session: MSE, even a bad one, and SELECT',
    withIssuerCard({}, async (card) => {
      for (const command of ['0022C1B60480021002', '0022C1B60480021003', '0022000000', `00A4040008${ISD}00`]) {
        const session = await openIssuer(card);
        const answer = await card.send(command);
        expect(answer.sw).oneOf(['9000', '9484', '6A86']);
        expect((await session.send('80F28002', '4F00', true)).sw, command).equal('6982');
      }
    }),
  );
});

describe('Bad SCP10 commands', () => {
  const environments: [string, string, string][] = [
    ['option 00', '0022C1B60480021000', '9484'],
    ['option 03', '0022C1B60480021003', '9484'],
    ['another protocol', '0022C1B60480020355', '9484'],
    ['key agreement without mutual authentication', '002281B60480021001', '6A86'],
    ['wrong P1', '002241B60480021002', '6A86'],
    ['wrong P2', '0022C1B80480021002', '6A86'],
    ['no data', '0022C1B6', '6A80'],
    ['truncated data', '0022C1B603800210', '6A80'],
    ['an unknown object', '0022C1B606800210028500', '6A80'],
    ['an object behind the last', '0022C1B60A8002100284001234567800', '6A80'],
    ['a stored key of another party', '0022C1A40480021002', '6A88'],
    ['an unknown public key', '0022C1B6088002100283021101', '6A88'],
    ['an unknown key pair', '0022C1B6088002100284021102', '6A88'],
    ['class 80', '8022C1B60480021002', '6E00'],
  ];
  for (const [name, command, sw] of environments) {
    it(
      `MSE with ${name} is ${sw}`,
      withIssuerCard({}, async (card) => {
        await card.ok(command, sw);
        await card.ok('0084000000', '6985');
      }),
    );
  }

  const certificates: [string, () => Buffer, string][] = [
    ['signed by another key', () => certificate(issuerFields(), rsaKey('stranger ca')), '6300'],
    [
      'naming another authority',
      () => certificate({ ...issuerFields(), issuer: holder('x') }, rsaKey('issuer ca')),
      '6300',
    ],
    [
      'of a security domain',
      () => certificate({ ...issuerFields(), authorization: '42' }, rsaKey('issuer ca')),
      '6300',
    ],
    ['changed after signing', () => flipped(issuerCertificate(), 30), '6300'],
    ['with a changed signature', () => flipped(issuerCertificate(), -1), '6300'],
    ['truncated', () => issuerCertificate().subarray(0, -1), '6A80'],
    ['with a byte behind it', () => Buffer.concat([issuerCertificate(), Buffer.of(0)]), '6A80'],
    [
      'with a short modulus',
      () => certificate({ ...issuerFields(), modulus: Buffer.alloc(64, 0xff) }, rsaKey('issuer ca')),
      '6A80',
    ],
    [
      'with an even modulus',
      () => certificate({ ...issuerFields(), modulus: Buffer.alloc(128, 0xfe) }, rsaKey('issuer ca')),
      '6A80',
    ],
    ['with exponent 3', () => certificate({ ...issuerFields(), exponent: Buffer.of(3) }, rsaKey('issuer ca')), '6A80'],
    [
      'with a long serial number',
      () => certificate({ ...issuerFields(), serial: '01'.repeat(9) }, rsaKey('issuer ca')),
      '6A80',
    ],
    [
      'with a short holder',
      () => certificate({ ...issuerFields(), holder: Buffer.alloc(15) }, rsaKey('issuer ca')),
      '6A80',
    ],
    ['that is not one', () => Buffer.from('0102030405', 'hex'), '6A80'],
  ];
  const flipped = (value: Buffer, at: number): Buffer => {
    const copy = Buffer.from(value);
    const index = at < 0 ? copy.length + at : at;
    copy[index] = (copy[index] ?? 0) ^ 0x01;
    return copy;
  };
  for (const [name, make, sw] of certificates) {
    it(
      `a certificate ${name} is ${sw} and drops the initiation`,
      withIssuerCard({}, async (card) => {
        const initiation = new Initiation(card, isd());
        await initiation.manage();
        expect((await initiation.certificate(make())).sw).equal(sw);
        await expectIdle(card);
      }),
    );
  }

  it(
    'a certificate under an off-card entity is 6300',
    withIssuerCard({}, async (card) => {
      const initiation = new Initiation(card, isd());
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      const below = certificate({ ...issuerFields(), issuer: ISSUER }, rsaKey('issuer'));
      expect((await initiation.certificate(below)).sw).equal('6300');
      await expectIdle(card);
    }),
  );

  it(
    'an EXTERNAL AUTHENTICATE that does not verify is 6300 and drops every key',
    withIssuerCard({}, async (card) => {
      const bad: ((initiation: Initiation) => Buffer)[] = [
        (i) => flipped(i.signature(), 5),
        (i) => i.signature(i.templates, randomBytes(16)),
        (i) => i.signature(Buffer.concat([i.templates, Buffer.of(0)])),
        () => randomBytes(127),
        () => randomBytes(129),
        () => Buffer.alloc(0),
        () => Buffer.alloc(128),
      ];
      for (const make of bad) {
        const initiation = await prepared(card);
        await initiation.getChallenge();
        expect((await initiation.external(make(initiation))).sw).equal('6300');
        await expectIdle(card);
      }
    }),
  );

  it(
    'a stranger with a good certificate is ANY_AUTHENTICATED and manages nothing',
    withIssuerCard({}, async (card) => {
      const fields = { ...issuerFields(), holder: holder('stranger'), modulus: rsaKey('stranger').n };
      const initiation = new Initiation(card, isd(), { oce: rsaKey('stranger') });
      await initiation.manage();
      await initiation.certificate(certificate(fields, rsaKey('issuer ca')));
      await initiation.decipher();
      await initiation.getChallenge();
      expect((await initiation.external()).sw).equal('9000');
      const session = new Session(card, initiation.messaging());
      expect(await session.ok('80CA00D3', '', true)).equal('D30173');
      for (const header of ['80F28002', '80E40000', '80E60C00', '80D80001', '80E29000', '80F0807F']) {
        await session.ok(header, '4F00', true, '6982');
      }
      expect(await session.ok('80CA00D3', '', true)).equal('D30173');
    }),
  );

  it(
    'a signature cannot be used again under a new challenge',
    withIssuerCard({}, async (card) => {
      const initiation = await prepared(card);
      await initiation.getChallenge();
      const old = initiation.signature();
      expect((await initiation.external(old)).sw).equal('9000');
      await initiation.manage();
      await initiation.certificate(issuerCertificate());
      await initiation.decipher();
      await initiation.getChallenge();
      expect((await initiation.external(old)).sw).equal('6300');
    }),
  );
});
