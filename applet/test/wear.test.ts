// SPDX-License-Identifier: Apache-2.0
/** What anybody may send must not wear the card: writes to persistent memory, counted by the simulator. */
import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { ISD, ISSUER, ISSUER_CA, type TestCard, withIssuerCard } from './support/card.ts';
import { openProvider, prepare, provider, SSD } from './support/domains.ts';
import { certificate, type RsaKey, rsaKey } from './support/keys.ts';
import { Initiation, issuerCertificate, openIssuer, publicKeyOf } from './support/scp10-host.ts';

async function writesOf(card: TestCard, act: () => Promise<unknown>): Promise<number> {
  const before = (await card.simulated.statistics()).persistentWrites;
  await act();
  return (await card.simulated.statistics()).persistentWrites - before;
}

const initiationOf = (card: TestCard): Initiation => new Initiation(card, rsaKey('isd').n);

/** A certificate that the issuer's CA signed for this key. */
const certified = (key: RsaKey): Buffer =>
  certificate({ issuer: ISSUER_CA, holder: ISSUER, modulus: key.n }, rsaKey('issuer ca'));

describe('Nothing is written to persistent memory by', () => {
  it(
    'SELECT and MANAGE SECURITY ENVIRONMENT',
    withIssuerCard({}, async (card) => {
      expect(
        await writesOf(card, async () => {
          for (const command of ['0022C1B60480021002', '0022C1B60480021001', '0022C1B60480029902', '0022C1A400']) {
            await card.send(command);
            await card.select(ISD);
          }
        }),
      ).equal(0);
    }),
  );

  it(
    'PSO VERIFY CERTIFICATE of a certificate that does not verify',
    withIssuerCard({}, async (card) => {
      const good = issuerCertificate();
      const flipped = Buffer.from(good);
      flipped[good.length - 1] = (flipped[good.length - 1] ?? 0) ^ 1;
      const foreign = { issuer: ISSUER_CA, holder: ISSUER, modulus: rsaKey('foreign').n };
      for (const [name, value, sw] of [
        ['a bit of the signature', flipped, '6300'],
        ['another signer', certificate(foreign, rsaKey('foreign')), '6300'],
        ['another authorization', certificate({ ...foreign, authorization: '42' }, rsaKey('issuer ca')), '6300'],
        ['no certificate', randomBytes(200), '6A80'],
      ] as const) {
        const initiation = initiationOf(card);
        const writes = await writesOf(card, async () => {
          await initiation.manage();
          expect((await initiation.certificate(value)).sw, name).equal(sw);
        });
        expect(writes, name).equal(0);
      }
    }),
  );

  it(
    'the same certificate again: a session of an owner that was here before',
    withIssuerCard({}, async (card) => {
      await openIssuer(card);
      expect(await writesOf(card, () => openIssuer(card))).equal(0);
    }),
  );

  it(
    'the first initiation after a new trust point',
    withIssuerCard({}, async (card) => {
      const who = provider('provider a');
      const modulus = await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      const initiation = new Initiation(card, modulus);
      expect(await writesOf(card, () => initiation.manage())).equal(0);
      await openProvider(card, SSD, who, modulus);
    }),
  );

  it(
    'GET CHALLENGE, and PSO DECIPHER whatever is in it: bad padding and bad templates are alike',
    withIssuerCard({}, async (card) => {
      await openIssuer(card);
      const key = { key: publicKeyOf(rsaKey('isd').n), padding: constants.RSA_PKCS1_PADDING };
      const raw = { key: publicKeyOf(rsaKey('isd').n), padding: constants.RSA_NO_PADDING };
      const low = (): Buffer => Buffer.concat([Buffer.of(0, 1), randomBytes(126)]);
      const counts = new Set<number>();
      for (const [name, cryptogram] of [
        ['bad padding', publicEncrypt(raw, low())],
        ['no zero behind the padding', publicEncrypt(raw, Buffer.concat([Buffer.of(0, 2), Buffer.alloc(126, 0x5a)]))],
        ['a cryptogram that reads like T', Buffer.concat([Buffer.from('D30133', 'hex'), Buffer.alloc(125)])],
        ['bad templates', publicEncrypt(key, randomBytes(60))],
        ['no templates', publicEncrypt(key, Buffer.alloc(0))],
        ['a level without keys', publicEncrypt(key, Buffer.from('D30133', 'hex'))],
        ['another length', randomBytes(64)],
      ] as const) {
        const initiation = initiationOf(card);
        await initiation.manage();
        await initiation.certificate(issuerCertificate());
        counts.add(
          await writesOf(card, async () => {
            expect((await card.isoChain('002A8084', cryptogram)).sw, name).equal('6A80');
          }),
        );
        expect((await initiation.getChallenge()).sw, 'the initiation ended').equal('6985');
      }
      expect([...counts]).deep.equal([0]);
      const initiation = initiationOf(card);
      await initiation.manage();
      expect(await writesOf(card, () => initiation.getChallenge())).equal(0);
    }),
  );

  it(
    'a whole protected session that only reads',
    withIssuerCard({}, async (card) => {
      await openIssuer(card);
      const session = await openIssuer(card);
      const reads = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          await session.ok('80CA0066', '', true);
          await session.ok('80478100', '', true);
          await session.ok('80CA0000', '', true, '6A88');
        }
      };
      expect(await writesOf(card, reads)).equal(0);
    }),
  );
});

describe('Certificates that verify, one after another', () => {
  it(
    'are taken 32 times until a reset, and then only one that is there',
    withIssuerCard({}, async (card) => {
      const keys = [rsaKey('issuer'), rsaKey('issuer, other key')].map(certified);
      const take = async (value: Buffer): Promise<string> => {
        const initiation = initiationOf(card);
        await initiation.manage();
        return (await initiation.certificate(value)).sw;
      };
      const [first, second] = [keys[0] ?? Buffer.alloc(0), keys[1] ?? Buffer.alloc(0)];
      for (let i = 0; i < 16; i++) {
        expect(await take(first)).equal('9000');
        expect(await take(second)).equal('9000');
      }
      expect(await take(first)).equal('6985');
      expect(await take(second)).equal('9000');
      expect(await writesOf(card, async () => take(first))).equal(0);
      await card.simulated.reset();
      await card.select(ISD);
      expect(await take(first)).equal('9000');
      await openIssuer(card);
    }),
  ).timeout(120_000);
});
