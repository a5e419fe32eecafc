// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ISD, withIssuerCard } from './support/card.ts';
import { openIssuer } from './support/scp10-host.ts';
import { bytes, hex, objects, valueAt } from './support/tlv.ts';

describe('A session of the issuer under SCP10 option 02', () => {
  for (const bits of [1024, 2048, 3072]) {
    it(
      `opens and protects all four APDU cases with RSA ${bits}`,
      withIssuerCard({ bits }, async (card) => {
        const session = await openIssuer(card, 0x33, bits);
        expect(await session.ok('80CA00D3', '', true), 'case 2').equal('D301B3');
        const registry = await session.ok('80F28002', '4F00', true);
        expect(hex(valueAt(bytes(registry), 'E3', '4F')), 'case 4').equal(ISD);
        expect(await session.ok('80E29000', '42020A0B'), 'case 3').equal('');
        await session.ok('80F08007', '', false, '6985');
        expect(await session.ok('80CA0042', '', true)).equal('42020A0B');
      }),
    );
  }

  for (const level of [0x00, 0x01, 0x03, 0x10, 0x11, 0x13, 0x33]) {
    it(
      `answers at level ${level.toString(16).padStart(2, '0')} as the level says`,
      withIssuerCard({}, async (card) => {
        const session = await openIssuer(card, level);
        const current = Buffer.of(0x80 | level);
        expect(await session.ok('80CA00D3', '', true)).equal(`D301${hex(current)}`);
        expect(objects(bytes(await session.ok('80CA0066', '', true)))[0]?.tag).equal('66');
        await session.ok('80F28002', '4F00', true, (level & 0x01) === 0 ? '6982' : '9000');
        expect(await session.ok('80CA00D3', '', true)).equal(`D301${hex(current)}`);
      }),
    );
  }
});
