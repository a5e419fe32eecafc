// SPDX-License-Identifier: Apache-2.0
/** An algorithm of the API: the name of its constant, and since when. */
export interface AlgorithmName {
  readonly name: string;
  /** `major.minor` of the package, the same for both. */
  readonly since: string;
}

type Row = readonly [value: number, AlgorithmName];

const from = (first: number, since: string, names: string): readonly Row[] =>
  names.split(' ').map((name, index): Row => [first + index, { name, since }]);

const ROWS = {
  MessageDigest: [
    ...from(1, '1.1', 'SHA MD5 RIPEMD160'),
    ...from(4, '1.3', 'SHA_256 SHA_384 SHA_512'),
    ...from(7, '1.4', 'SHA_224'),
    ...from(8, '1.6', 'SHA3_224 SHA3_256 SHA3_384 SHA3_512'),
    ...from(12, '1.7', 'SM3'),
  ],
  RandomData: [
    ...from(1, '1.1', 'PSEUDO_RANDOM SECURE_RANDOM'),
    ...from(3, '1.6', 'TRNG PRESEEDED_DRBG FAST KEYGENERATION'),
  ],
  Signature: [
    ...from(
      1,
      '1.1',
      [
        'DES_MAC4_NOPAD DES_MAC8_NOPAD DES_MAC4_ISO9797_M1 DES_MAC8_ISO9797_M1 DES_MAC4_ISO9797_M2',
        'DES_MAC8_ISO9797_M2 DES_MAC4_PKCS5 DES_MAC8_PKCS5 RSA_SHA_ISO9796 RSA_SHA_PKCS1 RSA_MD5_PKCS1',
        'RSA_RIPEMD160_ISO9796 RSA_RIPEMD160_PKCS1 DSA_SHA RSA_SHA_RFC2409 RSA_MD5_RFC2409',
      ].join(' '),
    ),
    ...from(
      17,
      '1.2',
      [
        'ECDSA_SHA AES_MAC_128_NOPAD DES_MAC4_ISO9797_1_M2_ALG3 DES_MAC8_ISO9797_1_M2_ALG3 RSA_SHA_PKCS1_PSS',
        'RSA_MD5_PKCS1_PSS RSA_RIPEMD160_PKCS1_PSS',
      ].join(' '),
    ),
    ...from(
      24,
      '1.3',
      [
        'HMAC_SHA1 HMAC_SHA_256 HMAC_SHA_384 HMAC_SHA_512 HMAC_MD5 HMAC_RIPEMD160 RSA_SHA_ISO9796_MR',
        'RSA_RIPEMD160_ISO9796_MR KOREAN_SEED_MAC_NOPAD',
      ].join(' '),
    ),
    ...from(
      33,
      '1.4',
      [
        'ECDSA_SHA_256 ECDSA_SHA_384 AES_MAC_192_NOPAD AES_MAC_256_NOPAD ECDSA_SHA_224 ECDSA_SHA_512',
        'RSA_SHA_224_PKCS1 RSA_SHA_256_PKCS1 RSA_SHA_384_PKCS1 RSA_SHA_512_PKCS1 RSA_SHA_224_PKCS1_PSS',
        'RSA_SHA_256_PKCS1_PSS RSA_SHA_384_PKCS1_PSS RSA_SHA_512_PKCS1_PSS',
      ].join(' '),
    ),
    ...from(47, '1.5', 'DES_MAC4_ISO9797_1_M1_ALG3 DES_MAC8_ISO9797_1_M1_ALG3'),
    ...from(49, '1.6', 'AES_CMAC_128'),
  ],
  KeyPair: [...from(1, '1.1', 'RSA RSA_CRT DSA'), ...from(4, '1.2', 'EC_F2M EC_FP'), ...from(6, '1.6', 'DH')],
  Checksum: [...from(1, '1.1', 'ISO3309_CRC16 ISO3309_CRC32')],
  KeyAgreement: [
    ...from(1, '1.1', 'EC_SVDP_DH EC_SVDP_DHC'),
    ...from(3, '1.4', 'EC_SVDP_DH_PLAIN EC_SVDP_DHC_PLAIN'),
    ...from(5, '1.6', 'EC_PACE_GM EC_SVDP_DH_PLAIN_XY DH_PLAIN'),
    ...from(8, '1.7', 'XDH SM2'),
    ...from(10, '1.8', 'SM2_WITH_CONFIRMATION'),
  ],
  Cipher: [
    ...from(-16, '1.6', 'AES_CTR'),
    ...from(
      1,
      '1.1',
      [
        'DES_CBC_NOPAD DES_CBC_ISO9797_M1 DES_CBC_ISO9797_M2 DES_CBC_PKCS5 DES_ECB_NOPAD DES_ECB_ISO9797_M1',
        'DES_ECB_ISO9797_M2 DES_ECB_PKCS5 RSA_ISO14888 RSA_PKCS1 RSA_ISO9796 RSA_NOPAD',
      ].join(' '),
    ),
    ...from(13, '1.2', 'AES_BLOCK_128_CBC_NOPAD AES_BLOCK_128_ECB_NOPAD RSA_PKCS1_OAEP'),
    ...from(16, '1.3', 'KOREAN_SEED_ECB_NOPAD KOREAN_SEED_CBC_NOPAD'),
    ...from(
      18,
      '1.4',
      [
        'AES_BLOCK_192_CBC_NOPAD AES_BLOCK_192_ECB_NOPAD AES_BLOCK_256_CBC_NOPAD AES_BLOCK_256_ECB_NOPAD',
        'AES_CBC_ISO9797_M1 AES_CBC_ISO9797_M2 AES_CBC_PKCS5 AES_ECB_ISO9797_M1 AES_ECB_ISO9797_M2 AES_ECB_PKCS5',
      ].join(' '),
    ),
    ...from(28, '1.7', 'AES_CFB AES_XTS'),
  ],
  Key: [
    ...from(1, '1.1', 'DES_TRANSIENT_RESET DES_TRANSIENT_DESELECT DES RSA_PUBLIC RSA_PRIVATE RSA_CRT_PRIVATE'),
    ...from(7, '1.1', 'DSA_PUBLIC DSA_PRIVATE'),
    ...from(9, '1.2', 'EC_F2M_PUBLIC EC_F2M_PRIVATE EC_FP_PUBLIC EC_FP_PRIVATE'),
    ...from(13, '1.2', 'AES_TRANSIENT_RESET AES_TRANSIENT_DESELECT AES'),
    ...from(16, '1.3', 'KOREAN_SEED_TRANSIENT_RESET KOREAN_SEED_TRANSIENT_DESELECT KOREAN_SEED'),
    ...from(19, '1.3', 'HMAC_TRANSIENT_RESET HMAC_TRANSIENT_DESELECT HMAC'),
    ...from(22, '1.4', 'RSA_PRIVATE_TRANSIENT_RESET RSA_PRIVATE_TRANSIENT_DESELECT RSA_CRT_PRIVATE_TRANSIENT_RESET'),
    ...from(25, '1.4', 'RSA_CRT_PRIVATE_TRANSIENT_DESELECT DSA_PRIVATE_TRANSIENT_RESET'),
    ...from(27, '1.4', 'DSA_PRIVATE_TRANSIENT_DESELECT EC_F2M_PRIVATE_TRANSIENT_RESET'),
    ...from(29, '1.4', 'EC_F2M_PRIVATE_TRANSIENT_DESELECT EC_FP_PRIVATE_TRANSIENT_RESET'),
    ...from(31, '1.4', 'EC_FP_PRIVATE_TRANSIENT_DESELECT'),
  ],
} as const satisfies Readonly<Record<string, readonly Row[]>>;

/** What has a factory method or constructor that takes an algorithm or, for a key, its type. */
export type AlgorithmKind = keyof typeof ROWS;

/** Constants `ALG_..` and `TYPE_..` by their values. @see Java Card API 3.2 */
export const ALGORITHM_NAMES: Readonly<Record<AlgorithmKind, ReadonlyMap<number, AlgorithmName>>> = {
  MessageDigest: new Map(ROWS.MessageDigest),
  RandomData: new Map(ROWS.RandomData),
  Signature: new Map(ROWS.Signature),
  KeyPair: new Map(ROWS.KeyPair),
  Checksum: new Map(ROWS.Checksum),
  KeyAgreement: new Map(ROWS.KeyAgreement),
  Cipher: new Map(ROWS.Cipher),
  Key: new Map(ROWS.Key),
};
