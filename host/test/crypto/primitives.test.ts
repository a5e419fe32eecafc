// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { desCbcDecrypt, desCbcEncrypt, pad80, retailMac, unpad80 } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import { desKeyCheckValue } from '../../crypto/kcv.ts';
import { nonZeroRandom, systemRandom } from '../../crypto/random.ts';
import { complement, rsaEncryptPkcs1, rsaRawPublic, rsaVerify, smallerOf } from '../../crypto/rsa.ts';
import { Secret } from '../../crypto/secret.ts';
import { InvariantError, TsmError, WireError } from '../../errors.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { signerOf, transcripts } from '../secure-channel/transcript.ts';
import { failure } from '../transport/framed-card.ts';

const KEY = '404142434445464748494A4B4C4D4E4F';

describe('DES and the retail MAC', () => {
  it('encrypts the single-DES sample of FIPS 81 and known check values', () => {
    const plain = new TextEncoder().encode('Now is the time for all ');
    expect(toHex(desCbcEncrypt(fromHex('0123456789ABCDEF'), plain, fromHex('1234567890ABCDEF')))).to.equal(
      'E5C7CDDE872BF27C43E934008C389C0F683788499A7C05F6',
    );
    expect(desKeyCheckValue(fromHex(KEY))).to.equal('8BAF47');
  });

  it('decrypts what it encrypts, with one, two and three keys', () => {
    const key = fc.constantFrom(8, 16, 24).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    const iv = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(key, iv, fc.uint8Array({ maxLength: 100 }), (k, v, data) => {
        expect(unpad80(desCbcDecrypt(k, desCbcEncrypt(k, pad80(data), v), v))).to.deep.equal(data);
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('refuses padding that is absent, too long, or all zero', () => {
    for (const text of ['', '0000000000000000', '01020304050607', '80000000000000000000', '0102030405060708']) {
      expect(() => unpad80(fromHex(text)), text).to.throw(WireError);
    }
    expect(() => desCbcEncrypt(fromHex(KEY), new Uint8Array(7))).to.throw(WireError);
    expect(() => desCbcEncrypt(new Uint8Array(7), new Uint8Array(8))).to.throw(InvariantError);
  });

  it('gives another MAC for every flipped bit', () => {
    const data = fromHex('80F24002800000008102');
    const iv = new Uint8Array(8);
    const whole = retailMac(fromHex(KEY), iv, data);
    const seen = new Set([toHex(whole)]);
    for (let bit = 0; bit < data.length * 8; bit += 1) {
      const flipped = Uint8Array.from(data);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      seen.add(toHex(retailMac(fromHex(KEY), iv, flipped)));
    }
    expect(seen.size).to.equal(1 + data.length * 8);
  });
});

describe('RSA', () => {
  const [transcript] = transcripts('02');
  if (transcript === undefined) throw new InvariantError('transcript', 'No transcript');
  const signer = signerOf(transcript.keys.sd);

  it('opens raw what it sealed, with the padding that was given', async () => {
    const message = fromHex('D30133');
    const padding = nonZeroRandom(systemRandom, 128 - 3 - 3, 'padding');
    const block = await signer.rawPrivate(rsaEncryptPkcs1(signer.publicKey, message, padding));
    expect(toHex(block)).to.equal(`0002${toHex(padding)}00D30133`);
    expect(() => rsaEncryptPkcs1(signer.publicKey, new Uint8Array(118), new Uint8Array(7))).to.throw(WireError);
  });

  it('signs so that only the same bytes under the same key verify', async () => {
    const signature = await signer.signSha1(fromHex('0102'));
    expect(rsaVerify(signer.publicKey, 'sha1', fromHex('0102'), signature)).to.equal(true);
    expect(rsaVerify(signer.publicKey, 'sha1', fromHex('0103'), signature)).to.equal(false);
    expect(rsaVerify(signerOf(transcript.keys.oce).publicKey, 'sha1', fromHex('0102'), signature)).to.equal(false);
    expect(rsaVerify(signer.publicKey, 'sha1', fromHex('0102'), signature.slice(1))).to.equal(false);
    expect(rsaVerify(signer.publicKey, 'sha256', fromHex('0102'), signature)).to.equal(false);
  });

  it('knows the smaller of a block and its complement', () => {
    const block = fromHex(`00${'FF'.repeat(127)}`);
    expect(smallerOf(signer.publicKey, block)).to.deep.equal(block);
    const large = complement(signer.publicKey, block);
    expect(smallerOf(signer.publicKey, large)).to.deep.equal(block);
    expect(complement(signer.publicKey, large)).to.deep.equal(block);
  });

  it('refuses blocks that are not below the modulus', async () => {
    expect(() => rsaRawPublic(signer.publicKey, signer.publicKey.modulus)).to.throw(WireError);
    expect(() => rsaRawPublic(signer.publicKey, new Uint8Array(127))).to.throw(WireError);
    expect(await failure(signer.rawPrivate(new Uint8Array(64)))).to.be.instanceOf(WireError);
  });

  it('draws padding without zero bytes, and gives up on a source of zeros', () => {
    let call = 0;
    const sometimesZero = (length: number): Uint8Array => new Uint8Array(length).fill(call++ === 0 ? 0 : 7);
    expect(nonZeroRandom(sometimesZero, 4, 'padding')).to.deep.equal(fromHex('07070707'));
    expect(() => nonZeroRandom((length) => new Uint8Array(length), 4, 'padding')).to.throw(TsmError);
  });
});

describe('secrets', () => {
  it('show a check value and never their bytes, however they are printed', () => {
    const secret = new Secret(fromHex(KEY));
    const shown = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9, showHidden: true }),
      inspect(Object.entries(secret)),
    ];
    for (const text of shown) expect(text.toUpperCase().replaceAll(/[ ,]/g, '')).to.not.include(KEY.slice(0, 16));
    expect(String(secret)).to.equal('Secret(KCV 8BAF47)');
  });

  it('are zero and unusable after wiping', () => {
    const bytes = fromHex(KEY);
    const secret = new Secret(bytes);
    secret.wipe();
    expect(bytes).to.deep.equal(new Uint8Array(16));
    expect(() => secret.expose()).to.throw(InvariantError);
    expect(String(secret)).to.equal('Secret(KCV wiped)');
  });

  it('keep the check value that was shown before wiping', () => {
    const secret = new Secret(fromHex(KEY));
    const before = String(secret);
    secret.wipe();
    expect(String(secret)).to.equal(before);
  });

  it('are compared in constant time, lengths apart', () => {
    expect(constantTimeEqual(fromHex('0102'), fromHex('0102'))).to.equal(true);
    expect(constantTimeEqual(fromHex('0102'), fromHex('0103'))).to.equal(false);
    expect(constantTimeEqual(fromHex('0102'), fromHex('010200'))).to.equal(false);
  });
});
