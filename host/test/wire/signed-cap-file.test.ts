// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { contentKey, plainSignature } from '../../crypto/content-key.ts';
import { KeyError } from '../../errors.ts';
import { decodeCapFile, loadFileDataBlock, loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

interface Signed {
  readonly sha1: string;
  readonly sha256: string;
  readonly files: readonly { readonly key: string; readonly publicKey: string; readonly cap: string }[];
}

const signed: Signed = JSON.parse(
  readFileSync(new URL('../vectors/cap/signed-by-capfile.json', import.meta.url), 'utf8'),
);

describe('CAP file that another tool has signed', () => {
  for (const { key, publicKey, cap } of signed.files) {
    const file = decodeCapFile(new Uint8Array(Buffer.from(cap, 'base64')));

    it(`has the hashes that the tool prints: ${key}`, () => {
      const block = loadFileDataBlock(file);
      expect(toHex(loadFileHash(block, 'sha1'))).to.equal(signed.sha1);
      expect(toHex(loadFileHash(block))).to.equal(signed.sha256);
    });

    it(`gives its signatures as the card verifies them: ${key}`, () => {
      const verifier = contentKey(publicKey);
      const block = loadFileDataBlock(file);
      expect(file.signatures.map(({ key: kind, hash }) => [kind, hash])).to.deep.equal([
        [key, 'sha1'],
        [key, 'sha256'],
      ]);
      for (const { hash, bytes } of file.signatures) {
        const plain = key === 'rsa' ? bytes : plainSignature(bytes, 32);
        expect(verifier.verify(loadFileHash(block, hash), plain), hash).to.equal(true);
        plain[plain.length - 1] = (plain.at(-1) ?? 0) ^ 1;
        expect(verifier.verify(loadFileHash(block, hash), plain), `${hash}, spoiled`).to.equal(false);
      }
    });
  }
});

describe('ECDSA signature in DER', () => {
  it('fills short numbers up and takes the sign byte off', () => {
    expect(toHex(plainSignature(fromHex('3007020200FF020101'), 2))).to.equal('00FF0001');
  });

  for (const [what, hex] of [
    ['empty', ''],
    ['one number', '3003020101'],
    ['three numbers', '3009020101020101020101'],
    ['a number too long', '30080203010203020101'],
    ['another tag', '3006040101020101'],
    ['a number without digits', '30050200020101'],
    ['cut', '30060201010201'],
    ['more behind it', '300602010102010100'],
  ] as const)
    it(`is refused: ${what}`, () => {
      expect(() => plainSignature(fromHex(hex), 2)).to.throw(KeyError);
    });

  it('never throws another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          expect(plainSignature(bytes, 32)).to.have.length(64);
        } catch (error) {
          expect(error).to.be.instanceOf(KeyError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });
});
