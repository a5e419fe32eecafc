// SPDX-License-Identifier: Apache-2.0
import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  type SignKeyObjectInput,
  sign,
  verify,
} from 'node:crypto';
import { KeyError, WireError } from '../errors.ts';
import { type PublicKey, publicKey } from '../wire/gp/public-key.ts';
import { concat } from '../wire/hex.ts';

/** What SCP10 and the CA do with a private key; the key itself stays behind it, in this process or in a token. */
export interface RsaSigner {
  readonly publicKey: PublicKey;
  /** RSASSA-PKCS1-v1_5 with SHA-1, the signature scheme of SCP10 (GPCS F.2.1). */
  signSha1(data: Uint8Array): Promise<Uint8Array>;
  /** The same with SHA-256, for X.509. */
  signSha256(data: Uint8Array): Promise<Uint8Array>;
  /** `block^d mod n`, as long as the modulus. @throws WireError `rsa-block` */
  rawPrivate(block: Uint8Array): Promise<Uint8Array>;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const fromBase64url = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'));

/** Keys that are used again and again are those of authorities; OpenSSL takes as long to read one as to verify. */
const read = new WeakMap<PublicKey, KeyObject>();

/** Read once for each object, whose bytes must not change. @throws KeyError when OpenSSL does not take the key */
export function publicKeyObject(key: PublicKey): KeyObject {
  const known = read.get(key);
  if (known !== undefined) return known;
  try {
    const { modulus, exponent } = key;
    const made = createPublicKey({
      format: 'jwk',
      key: { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) },
    });
    read.set(key, made);
    return made;
  } catch (error) {
    throw new KeyError('rsa-public-key', 'Not a usable RSA public key', { bits: key.modulus.length * 8 }, error);
  }
}

/** The public half of an RSA key of either kind. @throws KeyError when it is not RSA */
export function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'rsa') throw new KeyError('key-type', 'Not an RSA key');
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return publicKey(fromBase64url(jwk.n), fromBase64url(jwk.e));
}

const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

function fromBigInt(value: bigint): Uint8Array {
  const text = value.toString(16);
  return new Uint8Array(Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex'));
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, s0, s1] = [modulus, value % modulus, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1, s0, s1] = [r1, r0 - quotient * r1, s1, s0 - quotient * s1];
  }
  return ((s0 % modulus) + modulus) % modulus;
}

/** A private key from its parts, as test transcripts and card images give them. @throws KeyError */
export function privateKeyFromPrimes(parts: {
  readonly exponent: Uint8Array;
  readonly p: Uint8Array;
  readonly q: Uint8Array;
}): KeyObject {
  const [e, p, q] = [toBigInt(parts.exponent), toBigInt(parts.p), toBigInt(parts.q)];
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const fields = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, base64url(fromBigInt(value))]),
  );
  try {
    return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...fields } });
  } catch (error) {
    throw new KeyError('rsa-private-key', 'Not a usable RSA private key', {}, error);
  }
}

/**
 * Signs in the thread pool: RSASSA-PKCS1-v1_5, or with the options of the call.
 *
 * @throws KeyError `signing` when OpenSSL refuses
 */
export function signAside(hash: string, data: Uint8Array, key: SignKeyObjectInput): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(hash, data, key, (error, signature) => {
      if (error === null) resolve(new Uint8Array(signature));
      else reject(new KeyError('signing', 'The key does not sign this', {}, error));
    });
  });
}

/**
 * A signer over a private key in this process. It signs in the thread pool; OpenSSL's raw operation has no such form
 * in Node and is done at once.
 *
 * @throws KeyError when it is not RSA
 */
export function rsaSigner(key: KeyObject): RsaSigner {
  const own = publicKeyOf(key);
  return {
    publicKey: own,
    signSha1: (data) => signAside('sha1', data, { key, padding: constants.RSA_PKCS1_PADDING }),
    signSha256: (data) => signAside('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }),
    rawPrivate: async (block) => {
      if (block.length !== own.modulus.length) throw new WireError('rsa-block', 'Block is not as long as the modulus');
      return new Uint8Array(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, block));
    },
  };
}

/** `block^e mod n`. @throws WireError when the block is not as long as the modulus or not below it */
export function rsaRawPublic(key: PublicKey, block: Uint8Array): Uint8Array {
  if (block.length !== key.modulus.length || toBigInt(block) >= toBigInt(key.modulus)) {
    throw new WireError('rsa-block', 'Block does not fit the modulus', {
      expected: key.modulus.length,
      got: block.length,
    });
  }
  return new Uint8Array(publicEncrypt({ key: publicKeyObject(key), padding: constants.RSA_NO_PADDING }, block));
}

/** `n - block`, as long as the modulus, when that is smaller than `block`, else `block`. @see ISO 9796-2, F.2.1 */
export function smallerOf(key: PublicKey, block: Uint8Array): Uint8Array {
  const [value, modulus] = [toBigInt(block), toBigInt(key.modulus)];
  return modulus - value < value ? complement(key, block) : block;
}

/** `n - block`, as long as the modulus. */
export function complement(key: PublicKey, block: Uint8Array): Uint8Array {
  const difference = fromBigInt(toBigInt(key.modulus) - toBigInt(block));
  return concat(new Uint8Array(key.modulus.length - difference.length), difference);
}

/**
 * RSAES-PKCS1-v1_5 with a given padding string, so that a transcript can be replayed.
 *
 * @param padding non-zero bytes, modulus length - message length - 3, at least 8
 * @throws WireError when the message does not fit
 * @see RFC 8017 7.2.1
 */
export function rsaEncryptPkcs1(key: PublicKey, message: Uint8Array, padding: Uint8Array): Uint8Array {
  if (padding.length < 8 || padding.length + message.length + 3 !== key.modulus.length || padding.includes(0)) {
    throw new WireError('rsa-message', 'Message does not fit the modulus', { got: message.length });
  }
  return rsaRawPublic(key, concat(Uint8Array.of(0, 2), padding, Uint8Array.of(0), message));
}

/** RSASSA-PKCS1-v1_5; a signature of the wrong length is just not valid. */
export function rsaVerify(key: PublicKey, hash: 'sha1' | 'sha256', data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== key.modulus.length) return false;
  return verify(hash, data, { key: publicKeyObject(key), padding: constants.RSA_PKCS1_PADDING }, signature);
}
