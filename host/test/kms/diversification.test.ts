import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { desKeyCheckValue } from '../../crypto/kcv.ts';
import { KeyError } from '../../errors.ts';
import { type Diversification, diversify } from '../../kms/diversification.ts';
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
