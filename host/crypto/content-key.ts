// SPDX-License-Identifier: Apache-2.0
import { constants, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { KeyError } from '../errors.ts';
import { decodeSingle, decodeTlvs } from '../wire/ber-tlv.ts';
import type { PublicKey } from '../wire/gp/public-key.ts';
import { concat } from '../wire/hex.ts';
import { AES_KEY_LENGTHS, aesCmac } from './aes.ts';
import { retailMac } from './des.ts';
import { constantTimeEqual } from './equal.ts';
import { publicKeyOf } from './rsa.ts';
import { Secret } from './secret.ts';

/**
 * A key of content management: it signs DAPs and tokens, and verifies receipts. @see GPCS 2.3.1 B.1 to B.4, C
 */
export interface ContentKey {
  readonly kind: 'rsa' | 'ecdsa' | 'aes' | 'des';
  /** @throws KeyError for a public key */
  sign(data: Uint8Array): Uint8Array;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
  /** What the card gets of it, by PUT KEY. */
  readonly forCard: CardPart;
}

/** The public half of a pair, or the secret that host and card share. */
export type CardPart =
  | { readonly kind: 'rsa'; readonly publicKey: PublicKey }
  /** `04 ‖ X ‖ Y`, and the curve by its number in GPCS 2.3.1 Table B-2: 00 P-256, 01 P-384, 02 P-521. */
  | { readonly kind: 'ecdsa'; readonly point: Uint8Array; readonly curve: number }
  | { readonly kind: 'aes' | 'des'; readonly secret: Secret };

/** RSA of 1024 bits signs PKCS#1 with SHA-1, a longer one PSS with SHA-256. @see GPCS 2.3.1 C.1.1 */
function rsaScheme(key: KeyObject) {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits <= 1024
    ? { hash: 'sha1', options: { padding: constants.RSA_PKCS1_PADDING } }
    : { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } };
}

function asymmetric(key: KeyObject): ContentKey {
  const ecdsa = key.asymmetricKeyType === 'ec';
  if (!ecdsa && key.asymmetricKeyType !== 'rsa')
    throw new KeyError('content-key', 'A content key is RSA, elliptic curve, AES or DES');
  const { hash, options } = ecdsa
    ? { hash: ecdsaHash(key), options: { dsaEncoding: 'ieee-p1363' } as const }
    : rsaScheme(key);
  return {
    kind: ecdsa ? 'ecdsa' : 'rsa',
    forCard: ecdsa ? pointOf(key) : { kind: 'rsa', publicKey: publicKeyOf(key) },
    sign: (data) => {
      if (key.type !== 'private') throw new KeyError('content-key-public', 'Signing needs the private key');
      return new Uint8Array(sign(hash, data, { key, ...options }));
    },
    verify: (data, signature) => verify(hash, data, { key, ...options }, signature),
  };
}

const CURVES: readonly string[] = ['P-256', 'P-384', 'P-521'];

/** @throws KeyError for a curve that has no number */
function pointOf(key: KeyObject): CardPart {
  const { crv = '', x = '', y = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  if (!CURVES.includes(crv)) throw new KeyError('content-key-curve', `A content key is on ${CURVES.join(', ')}`);
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { kind: 'ecdsa', point: new Uint8Array(point), curve: CURVES.indexOf(crv) };
}

/** @see GPCS 2.3.1 B.4.3 */
const ecdsaHash = (key: KeyObject): string =>
  ({ 'P-384': 'sha384', secp384r1: 'sha384', secp521r1: 'sha512' })[key.asymmetricKeyDetails?.namedCurve ?? ''] ??
  'sha256';

/**
 * `r ‖ s` of an ECDSA signature in DER, each of `size` bytes, as a card takes it. @see GPCS 2.3.1 B.4.3
 *
 * @throws KeyError when it is no such signature
 */
export function plainSignature(der: Uint8Array, size: number): Uint8Array {
  const refused = new KeyError('content-signature', `This is no ECDSA signature in DER of twice ${size} bytes`);
  const numbers = () => {
    try {
      return decodeTlvs(decodeSingle(0x30, der));
    } catch {
      throw refused;
    }
  };
  const halves = numbers().map(({ tag, value }) => {
    const digits = value.slice(value[0] === 0 ? 1 : 0);
    if (tag !== 0x02 || digits.length === 0 || digits.length > size) throw refused;
    return concat(new Uint8Array(size - digits.length), digits);
  });
  if (halves.length !== 2) throw refused;
  return concat(...halves);
}

function symmetric(kind: 'aes' | 'des', secret: Secret): ContentKey {
  const mac = (data: Uint8Array): Uint8Array =>
    kind === 'aes' ? aesCmac(secret.expose(), data) : retailMac(secret.expose(), new Uint8Array(8), data);
  return {
    kind,
    sign: mac,
    forCard: { kind, secret },
    verify: (data, signature) => constantTimeEqual(mac(data), signature),
  };
}

/**
 * Reads a key: a PEM text, or `aes:` or `des:` with hexadecimal digits.
 *
 * @throws KeyError that never repeats what was given
 */
export function contentKey(text: string): ContentKey {
  const symmetricText = /^(aes|des):((?:[0-9A-Fa-f]{2})+)$/.exec(text.trim());
  if (symmetricText !== null) {
    const kind = symmetricText[1] === 'des' ? 'des' : 'aes';
    const bytes = new Uint8Array(Buffer.from(symmetricText[2] ?? '', 'hex'));
    const lengths: readonly number[] = kind === 'aes' ? AES_KEY_LENGTHS : [16];
    if (!lengths.includes(bytes.length))
      throw new KeyError('content-key', `A key for ${kind} has ${lengths.join(', ')} bytes`, { got: bytes.length });
    return symmetric(kind, new Secret(bytes));
  }
  try {
    return asymmetric(text.includes('PRIVATE KEY') ? createPrivateKey(text) : createPublicKey(text));
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError('content-key', 'This is no key: want a PEM file, or aes:HEX or des:HEX');
  }
}
