// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { findPrimeFactor } from '../../lab/properties/prime-search.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const jwk = privateKey.export({ format: 'jwk' });
const bytesOf = (text: string | undefined) => Buffer.from(text ?? '', 'base64url');
const moduli = [
  new Uint8Array(bytesOf(jwk.n)),
  new Uint8Array(bytesOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }).n)),
];
const noise = () => randomBytes(301);

describe('the search for private keys', () => {
  const prime = bytesOf(jwk.q);
  const cases: readonly (readonly [string, Buffer])[] = [
    ['raw', Buffer.concat([noise(), prime, noise()])],
    ['hex', Buffer.from(`{"data":"0${prime.toString('hex')}"}`)],
    ['upper-case hex', Buffer.from(`x${prime.toString('hex').toUpperCase()}y`)],
    ['base64', Buffer.from(`a ${Buffer.concat([noise(), prime]).toString('base64')} b`)],
    ['PKCS#8 in PEM', Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['PEM in JSON', Buffer.from(JSON.stringify({ key: privateKey.export({ type: 'pkcs1', format: 'pem' }) }))],
    ['PKCS#8 in DER', privateKey.export({ type: 'pkcs8', format: 'der' })],
    ['a JSON Web Key', Buffer.from(JSON.stringify(jwk))],
  ];
  for (const [form, bytes] of cases) {
    it(`finds a prime as ${form}`, () => {
      expect(findPrimeFactor(bytes, moduli)).not.to.equal(undefined);
    });
  }

  it('finds nothing in the public key and in noise', () => {
    for (const bytes of [
      noise(),
      Buffer.from(jwk.n ?? ''),
      bytesOf(jwk.n),
      Buffer.from(bytesOf(jwk.n).toString('hex')),
    ]) {
      expect(findPrimeFactor(bytes, moduli)).to.equal(undefined);
    }
  });
});
