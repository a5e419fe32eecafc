// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../hex.ts';

/**
 * Factory methods of javacard.security and javacardx.crypto, and what their arguments name. @see Java Card API 3.0.5
 */

export interface AlgorithmUse {
  readonly what: string;
  readonly name: string;
}

/** `package AID . class token . method token` */
export const FACTORIES: ReadonlyMap<string, string> = new Map([
  ['A0000000620102.11.0', 'MessageDigest'],
  ['A0000000620102.13.0', 'Key'],
  ['A0000000620102.14.0', 'RandomData'],
  ['A0000000620102.15.0', 'Signature'],
  ['A0000000620102.21.0', 'Checksum'],
  ['A0000000620102.22.0', 'KeyAgreement'],
  ['A0000000620201.1.0', 'Cipher'],
]);

const from = (first: number, ...names: readonly string[]): ReadonlyMap<number, string> =>
  new Map(names.map((name, index) => [first + index, name]));

const NAMES: Readonly<Record<string, ReadonlyMap<number, string>>> = {
  MessageDigest: from(1, 'SHA', 'MD5', 'RIPEMD160', 'SHA-256', 'SHA-384', 'SHA-512', 'SHA-224'),
  RandomData: from(1, 'PSEUDO_RANDOM', 'SECURE_RANDOM', 'TRNG', 'PRESEEDED_DRBG', 'FAST', 'KEYGENERATION'),
  Checksum: from(1, 'CRC16', 'CRC32'),
  KeyAgreement: from(
    1,
    'EC_SVDP_DH',
    'EC_SVDP_DHC',
    'EC_SVDP_DH_PLAIN',
    'EC_SVDP_DHC_PLAIN',
    'EC_PACE_GM',
    'EC_SVDP_DH_PLAIN_XY',
  ),
  Cipher: from(
    1,
    ...['DES_CBC_NOPAD', 'DES_CBC_ISO9797_M1', 'DES_CBC_ISO9797_M2', 'DES_CBC_PKCS5', 'DES_ECB_NOPAD'],
    ...['DES_ECB_ISO9797_M1', 'DES_ECB_ISO9797_M2', 'DES_ECB_PKCS5', 'RSA_ISO14888', 'RSA_PKCS1', 'RSA_ISO9796'],
    ...['RSA_NOPAD', 'AES_BLOCK_128_CBC_NOPAD', 'AES_BLOCK_128_ECB_NOPAD', 'RSA_PKCS1_OAEP'],
  ),
  Signature: from(
    1,
    ...['DES_MAC4_NOPAD', 'DES_MAC8_NOPAD', 'DES_MAC4_ISO9797_M1', 'DES_MAC8_ISO9797_M1', 'DES_MAC4_ISO9797_M2'],
    ...['DES_MAC8_ISO9797_M2', 'DES_MAC4_PKCS5', 'DES_MAC8_PKCS5', 'RSA_SHA_ISO9796', 'RSA_SHA_PKCS1', 'RSA_MD5_PKCS1'],
    ...['RSA_RIPEMD160_ISO9796', 'RSA_RIPEMD160_PKCS1', 'DSA_SHA', 'RSA_SHA_RFC2409', 'RSA_MD5_RFC2409', 'ECDSA_SHA'],
    ...['AES_MAC_128_NOPAD', 'DES_MAC4_ISO9797_1_M2_ALG3', 'DES_MAC8_ISO9797_1_M2_ALG3', 'RSA_SHA_PKCS1_PSS'],
    ...['RSA_MD5_PKCS1_PSS', 'RSA_RIPEMD160_PKCS1_PSS', 'HMAC_SHA1', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'],
    ...['HMAC_MD5', 'HMAC_RIPEMD160', 'RSA_SHA_ISO9796_MR', 'RSA_RIPEMD160_ISO9796_MR', 'KOREAN_SEED_MAC_NOPAD'],
    ...['ECDSA_SHA_256', 'ECDSA_SHA_384', 'AES_MAC_192_NOPAD', 'AES_MAC_256_NOPAD', 'ECDSA_SHA_224', 'ECDSA_SHA_512'],
    ...['RSA_SHA_224_PKCS1', 'RSA_SHA_256_PKCS1', 'RSA_SHA_384_PKCS1', 'RSA_SHA_512_PKCS1', 'RSA_SHA_224_PKCS1_PSS'],
    ...['RSA_SHA_256_PKCS1_PSS', 'RSA_SHA_384_PKCS1_PSS', 'RSA_SHA_512_PKCS1_PSS', 'DES_MAC4_ISO9797_1_M1_ALG3'],
    ...['DES_MAC8_ISO9797_1_M1_ALG3', 'AES_CMAC_128'],
  ),
};

const KEY_TYPES: ReadonlyMap<number, string> = from(
  1,
  ...['DES transient reset', 'DES transient deselect', 'DES', 'RSA public', 'RSA private', 'RSA CRT private'],
  ...['DSA public', 'DSA private', 'EC F2M public', 'EC F2M private', 'EC FP public', 'EC FP private'],
  ...['AES transient reset', 'AES transient deselect', 'AES', 'SEED transient reset', 'SEED transient deselect'],
  ...['SEED', 'HMAC transient reset', 'HMAC transient deselect', 'HMAC'],
);

/**
 * What a call names by its constants, of which the external access flag is the last; undefined when they are computed.
 */
export function algorithmOf(factory: string, pushed: (count: number) => number[]): AlgorithmUse | undefined {
  if (factory === 'RandomData') {
    const [kind] = pushed(1);
    return kind === undefined ? undefined : { what: factory, name: named(factory, kind) };
  }
  if (factory !== 'Key') {
    const [kind, external] = pushed(2);
    return kind === undefined || external === undefined ? undefined : { what: factory, name: named(factory, kind) };
  }
  const [kind, bits, external] = pushed(3);
  if (kind === undefined || bits === undefined || external === undefined) return undefined;
  return { what: 'Key', name: `${KEY_TYPES.get(kind) ?? `type ${kind}`} ${bits}` };
}

const named = (factory: string, kind: number): string =>
  NAMES[factory]?.get(kind) ?? `algorithm ${toHex(Uint8Array.of(kind & 0xff))}`;
