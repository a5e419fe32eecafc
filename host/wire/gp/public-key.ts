// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { fromHex, sameBytes, toHex } from '../hex.ts';
import type { RsaPublicKey } from '../message/common.ts';

/** RSA public key as bytes. */
export interface PublicKey {
  /** Big-endian, no leading zero byte, 64 to 512 bytes. */
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/**
 * @throws WireError when a part is out of range, the modulus starts with a zero byte or is even, or the exponent is
 *     even or 1
 */
export function publicKey(modulus: Uint8Array, exponent: Uint8Array): PublicKey {
  if (modulus.length < 64 || modulus.length > 512 || modulus[0] === 0) {
    throw new WireError('modulus-range', 'Modulus is 64 to 512 bytes without leading zero', { got: modulus.length });
  }
  if (((modulus[modulus.length - 1] ?? 0) & 1) === 0) throw new WireError('modulus-even', 'Modulus is even');
  const key = { modulus, exponent };
  // Exponent 1 would encrypt to the plaintext and take every signature.
  if (exponent.length < 1 || exponent.length > 4 || exponentValue(key) % 2 === 0 || exponentValue(key) < 3) {
    throw new WireError('exponent-range', 'Exponent is 1 to 4 bytes, odd, 3 or more', { got: exponent.length });
  }
  return key;
}

/** `81 L N ‖ 82 L e`, the content of '7F49'. @see ISO 7816-8, public key data object */
export function encodePublicKeyParts(key: PublicKey): Uint8Array {
  return new Uint8Array([...encodeTlv(0x81, key.modulus), ...encodeTlv(0x82, key.exponent)]);
}

/** `7F49 L { 81 L N ‖ 82 L e }` */
export const encodePublicKey = (key: PublicKey): Uint8Array => encodeTlv(0x7f49, encodePublicKeyParts(key));

/** Reads the content of '7F49'. @throws WireError */
export function decodePublicKeyParts(value: Uint8Array): PublicKey {
  const reader = new TlvReader(value);
  const modulus = reader.expect(0x81);
  const exponent = reader.expect(0x82);
  reader.end();
  return publicKey(modulus, exponent);
}

/** Reads a whole '7F49' object. @throws WireError */
export function decodePublicKey(bytes: Uint8Array): PublicKey {
  const reader = new TlvReader(bytes);
  const value = reader.expect(0x7f49);
  reader.end();
  return decodePublicKeyParts(value);
}

export const toRsaPublicKey = (key: PublicKey): RsaPublicKey => ({
  modulus: toHex(key.modulus),
  exponent: toHex(key.exponent),
});
/** @throws WireError */
export const fromRsaPublicKey = (key: RsaPublicKey): PublicKey =>
  publicKey(fromHex(key.modulus, 512), fromHex(key.exponent, 4));
/** True when both name the same key; leading zeros of the exponent do not count. */
export const samePublicKey = (a: PublicKey, b: PublicKey): boolean =>
  sameBytes(a.modulus, b.modulus) && exponentValue(a) === exponentValue(b);

const exponentValue = (key: PublicKey): number => key.exponent.reduce((value, byte) => value * 256 + byte, 0);
