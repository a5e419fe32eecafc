// SPDX-License-Identifier: Apache-2.0
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
  type SignKeyObjectInput,
} from 'node:crypto';
import { promisify } from 'node:util';
import { signAside } from '../crypto/rsa.ts';
import { KeyError } from '../errors.ts';
import type { PrivateKey, PrivateKeyHome, PrivateKeyKind, SignatureScheme } from './private-keys.ts';

const generateAside = promisify(generateKeyPair);
const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
const privateKeyEncoding = { type: 'pkcs8', format: 'der' } as const;

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_NO_PADDING } = constants;
const SCHEMES: Readonly<
  Record<Exclude<SignatureScheme, 'rsa-raw'>, { readonly hash: string } & Omit<SignKeyObjectInput, 'key'>>
> = {
  'rsa-sha1': { hash: 'sha1', padding: RSA_PKCS1_PADDING },
  'rsa-sha256': { hash: 'sha256', padding: RSA_PKCS1_PADDING },
  'rsa-pss-sha256': { hash: 'sha256', padding: RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  'ecdsa-sha256': { hash: 'sha256', dsaEncoding: 'ieee-p1363' },
};

function made(kind: PrivateKeyKind) {
  if (kind === 'p-256') return generateAside('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding });
  const rsa = { modulusLength: kind.rsaBits, publicExponent: 0x10001 };
  return generateAside('rsa', { ...rsa, publicKeyEncoding, privateKeyEncoding });
}

async function generate(kind: PrivateKeyKind) {
  try {
    const { publicKey, privateKey } = await made(kind);
    const name = new Uint8Array(privateKey.buffer, privateKey.byteOffset, privateKey.byteLength);
    return { name, publicKey: createPublicKey({ key: publicKey, ...publicKeyEncoding }) };
  } catch (error) {
    throw new KeyError('key-generation', 'The key pair could not be generated', {}, error);
  }
}

/** Signs in the thread pool, but for the raw operation, which Node does at once. */
function opened(key: KeyObject): PrivateKey {
  return {
    publicKey: createPublicKey(key),
    sign: async (scheme, data) => {
      if (scheme === 'rsa-raw') return new Uint8Array(privateDecrypt({ key, padding: RSA_NO_PADDING }, data));
      const { hash, ...options } = SCHEMES[scheme];
      return signAside(hash, data, { key, ...options });
    },
  };
}

const PEM = Buffer.from('-----BEGIN');

/** Private keys in this process, as OpenSSL objects; their name is PKCS#8. */
export const SOFTWARE_KEYS: PrivateKeyHome = {
  generate,
  open: async (name) => {
    const bytes = Buffer.from(name);
    const isPem = bytes.subarray(0, PEM.length).equals(PEM);
    try {
      return opened(createPrivateKey(isPem ? bytes : { key: bytes, format: 'der', type: 'pkcs8' }));
    } catch (error) {
      throw new KeyError('key-unreadable', 'A stored key is none that this provider has', {}, error);
    } finally {
      bytes.fill(0);
    }
  },
  discard: async () => {},
};
