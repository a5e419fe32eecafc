// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { desKeyCheckValue } from '../../crypto/kcv.ts';
import { KeyError, UsageError } from '../../errors.ts';
import { type Diversification, diversify } from '../../kms/diversification.ts';
import { keyFormula } from '../../kms/key-formula.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

interface Row {
  readonly scheme: Diversification;
  readonly master: string;
  readonly diversification: string;
  readonly keys?: readonly string[];
  readonly checkValues: readonly string[];
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('../vectors/diversification/keys.json', import.meta.url), 'utf8'),
);

describe('key diversification', () => {
  for (const { scheme, master, diversification, keys, checkValues } of rows) {
    const name = `${scheme}, master key of ${master.length / 2} bytes`;
    it(`gives the published keys: ${name}`, () => {
      const found = [1, 2, 3].map((key) => diversify(scheme, fromHex(master), fromHex(diversification), key));
      if (keys !== undefined) expect(found.map(toHex)).to.deep.equal(keys);
      const checkValue = (key: Uint8Array) =>
        scheme === 'kdf3' ? toHex(aesKeyCheckValue(key)) : desKeyCheckValue(key);
      expect(found.map(checkValue)).to.deep.equal(checkValues);
    });
  }

  it('refuses a master key that the scheme cannot take', () => {
    expect(() => diversify('visa2', new Uint8Array(24), new Uint8Array(10), 1)).to.throw(KeyError, '16 bytes');
  });

  it('hands out a copy, so that wiping the card’s key leaves the master key', () => {
    const master = new Uint8Array(16).fill(7);
    diversify('none', master, new Uint8Array(10), 1).fill(0);
    expect(master[0]).to.equal(7);
  });
});

describe('a formula of one’s own', () => {
  const master = fromHex('404142434445464748494A4B4C4D4E4F');
  const diversification = fromHex('00010203040506070809');
  const SAME: readonly (readonly [Diversification, string])[] = [
    ['emv', 'des: b4-b9 F0 k b4-b9 0F k'],
    ['visa2', 'des: b0 b1 b4-b7 F0 k b0 b1 b4-b7 0F k'],
    ['kdf3', 'cmac: n 00 00 00 k 00 b0-b9'],
  ];
  for (const [scheme, formula] of SAME)
    it(`says ${scheme} as ${formula}`, () => {
      for (const key of [1, 2, 3])
        expect(keyFormula(formula)(master, diversification, key)).to.deep.equal(
          diversify(scheme, master, diversification, key),
        );
    });

  it('names what it does not understand', () => {
    expect(() => keyFormula('rot13: b0')).to.throw(UsageError, 'des:, aes: or cmac:');
    expect(() => keyFormula('des: b0-b9 xx')).to.throw(UsageError, 'xx');
    expect(() => keyFormula('des: b0-b9')).to.throw(UsageError, '16 bytes');
    expect(() => keyFormula('cmac: b5-b2')).to.throw(UsageError, 'b5-b2');
  });
});
