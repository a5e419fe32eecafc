// SPDX-License-Identifier: Apache-2.0
/** What a certification authority below the trust point may certify (applet/README.md section 3). */
import { expect } from 'chai';
import { ISSUER, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import { certificate, holder, rsaKey } from './support/keys.ts';
import { Initiation, openSession } from './support/scp10-host.ts';
import { tlv } from './support/tlv.ts';

const middle = rsaKey('middle ca', 2048);
const reference = holder('middle');

/** A certificate of the intermediate by the trust point; `discretionary` is the content of its 73. */
const intermediate = (discretionary?: Buffer): Buffer =>
  certificate(
    {
      issuer: ISSUER_CA,
      holder: reference,
      authorization: '01',
      modulus: middle.n,
      ...(discretionary === undefined ? {} : { discretionary }),
    },
    rsaKey('issuer ca'),
  );

const leaf = (name = ISSUER): Buffer =>
  certificate({ issuer: reference, holder: name, modulus: rsaKey('issuer').n }, middle);

/** Status words of a chain's certificates, up to the first that is refused. */
async function chain(card: TestCard, ...certificates: Buffer[]): Promise<string[]> {
  const initiation = new Initiation(card, rsaKey('isd').n);
  await initiation.manage();
  const words: string[] = [];
  for (const value of certificates) {
    words.push((await initiation.certificate(value)).sw);
    if (words.at(-1) !== '9000') break;
  }
  return words;
}

async function level(card: TestCard, ...certificates: Buffer[]): Promise<string> {
  const session = await openSession(card, rsaKey('isd').n, { certificates });
  return (await session.ok('80CA00D3', '', true)).slice(-2);
}

describe('An intermediate certification authority', () => {
  it(
    'without a name prefix certifies guests: the owner name makes no owner under it',
    withIssuerCard({}, async (card) => {
      expect(await level(card, intermediate(), leaf())).equal('73');
      const session = await openSession(card, rsaKey('isd').n, { certificates: [intermediate(), leaf()] });
      await session.ok('80F28002', '4F00', true, '6982');
      expect(await level(card, intermediate(), leaf(holder('guest')))).equal('73');
    }),
  );

  it(
    'with a prefix of the owner name certifies the owner',
    withIssuerCard({}, async (card) => {
      for (const length of [1, 8, 16]) {
        const prefix = tlv('5F20', ISSUER.subarray(0, length));
        expect(await level(card, intermediate(prefix), leaf()), `${length} bytes`).equal('B3');
      }
      const other = Buffer.concat([ISSUER.subarray(0, 4), Buffer.alloc(12)]);
      expect(await level(card, intermediate(tlv('5F20', ISSUER.subarray(0, 4))), leaf(other))).equal('73');
    }),
  );

  it(
    'with a prefix certifies no other names',
    withIssuerCard({}, async (card) => {
      const wrong = Buffer.from(ISSUER);
      wrong[15] = (wrong[15] ?? 0) ^ 1;
      for (const [prefix, name] of [
        [wrong, ISSUER],
        [ISSUER, wrong],
        [Buffer.alloc(1, ~(ISSUER[0] ?? 0)), ISSUER],
      ] as const) {
        expect(await chain(card, intermediate(tlv('5F20', prefix)), leaf(name))).deep.equal(['9000', '6300']);
      }
    }),
  );

  it(
    'keeps its prefix over a challenge, and hands it to nobody else',
    withIssuerCard({}, async (card) => {
      const zero = Buffer.alloc(16);
      const initiation = new Initiation(card, rsaKey('isd').n);
      await initiation.manage();
      await initiation.certificate(intermediate(tlv('5F20', ISSUER.subarray(0, 4))));
      await initiation.getChallenge();
      expect((await initiation.certificate(leaf(zero))).sw).equal('6300');
      // a new initiation, an intermediate without: the prefix before does not count
      expect(await level(card, intermediate(), leaf())).equal('73');
    }),
  );

  it(
    'certifies no authority below itself',
    withIssuerCard({}, async (card) => {
      const below = certificate(
        { issuer: reference, holder: holder('below'), authorization: '01', modulus: rsaKey('below').n },
        middle,
      );
      const prefix = tlv('5F20', ISSUER.subarray(0, 4));
      expect(await chain(card, intermediate(), below)).deep.equal(['9000', '6300']);
      expect(await chain(card, intermediate(prefix), below)).deep.equal(['9000', '6300']);
    }),
  );

  it(
    'is out of form with anything else in 73, and so is an off-card entity with 73',
    withIssuerCard({}, async (card) => {
      const prefix = tlv('5F20', ISSUER);
      for (const discretionary of [
        Buffer.alloc(0),
        tlv('5F20', ''),
        tlv('5F20', Buffer.concat([ISSUER, Buffer.of(0)])),
        tlv('42', ISSUER),
        Buffer.concat([prefix, tlv('45', '01')]),
        Buffer.concat([tlv('45', '01'), prefix]),
      ]) {
        expect(await chain(card, intermediate(discretionary))).deep.equal(['6A80']);
      }
      const fields = { issuer: ISSUER_CA, holder: ISSUER, modulus: rsaKey('issuer').n, discretionary: prefix };
      expect(await chain(card, certificate(fields, rsaKey('issuer ca')))).deep.equal(['6A80']);
    }),
  );
});
