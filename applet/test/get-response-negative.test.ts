// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { rsaKey } from './support/keys.ts';
import { Initiation, issuerCertificate, openIssuer } from './support/scp10-host.ts';
import { bytes, hex } from './support/tlv.ts';

/** A card whose answer of 270 bytes waits in part. */
async function waiting(card: TestCard): Promise<void> {
  const answer = await card.exchange('8047810000');
  expect([answer.data.length, answer.sw]).deep.equal([256, '610E']);
}

const large = { bits: 2048 } as const;

describe('GET RESPONSE', () => {
  it(
    'fetches the rest with class 00 and 80, and those of secure messaging, once',
    withIssuerCard(large, async (card) => {
      for (const cla of ['00', '80', '0C', '84']) {
        await waiting(card);
        const rest = await card.exchange(`${cla}C0000000`);
        expect([rest.data.length, rest.sw]).deep.equal([14, '9000']);
        expect((await card.exchange(`${cla}C0000000`)).sw).equal('6985');
      }
    }),
  );

  for (const [name, command, sw] of [
    ['another P1', '00C0010000', '6A86'],
    ['another P2', '00C0000100', '6A86'],
    ['the class of a part', '10C0000000', '6E00'],
  ] as const) {
    it(
      `with ${name} is ${sw}, and the rest is gone`,
      withIssuerCard(large, async (card) => {
        await waiting(card);
        expect((await card.exchange(command)).sw).equal(sw);
        expect((await card.exchange('00C0000000')).sw).equal('6985');
      }),
    );
  }

  it(
    'comes directly after the answer it fetches from, or not at all',
    withIssuerCard(large, async (card) => {
      for (const [between, sw] of [
        ['80CA004200', '9000'],
        ['80CA00AA00', '6A88'],
        ['80FE000000', '6D00'],
      ] as const) {
        await waiting(card);
        expect((await card.exchange(between)).sw).equal(sw);
        expect((await card.exchange('00C0000000')).sw).equal('6985');
      }
    }),
  );

  it(
    'makes a waiting challenge void, as every command does',
    withIssuerCard({}, async (card) => {
      for (const between of ['00C0000000', '00C0010000', '10C0000000']) {
        const initiation = new Initiation(card, rsaKey('isd').n);
        await initiation.manage();
        await initiation.certificate(issuerCertificate());
        await initiation.decipher();
        await initiation.getChallenge();
        expect((await card.exchange(between)).sw).not.equal('9000');
        expect((await initiation.external()).sw, between).equal('6985');
      }
    }),
  );

  it(
    'drops the parts of a command',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      expect((await card.exchange(apdu('80D88001', '10A180'))).sw).equal('9000');
      expect((await card.exchange('00C0000000')).sw).equal('6985');
      // without the first part the rest is no key
      expect((await card.exchange(apdu('80D80001', `${hex(rsaKey('issuer ca').n)}A00301000100`, true))).sw).equal(
        '6A80',
      );
    }),
  );

  it(
    'out of place does not end a session',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card);
      expect((await card.exchange('00C0000000')).sw).equal('6985');
      expect(hex(bytes(await session.ok('80CA00D3', '', true)))).equal('D301B3');
    }),
  );
});
