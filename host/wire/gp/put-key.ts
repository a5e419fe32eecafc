// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeLength, encodeTlv } from '../ber-tlv.ts';
import { concat, sameBytes } from '../hex.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';
import type { KeyReference, KeyVersionNumber } from './key-reference.ts';
import type { PublicKey } from './public-key.ts';

/** Key component types of PUT KEY. @see GPCS 11.1.8, Table 11-16 */
export const KEY_TYPE = {
  DES: 0x80,
  TLS_PSK: 0x85,
  AES: 0x88,
  HMAC_SHA1: 0x90,
  HMAC_SHA256: 0x91,
  RSA_EXPONENT: 0xa0,
  RSA_MODULUS: 0xa1,
  CRT_P: 0xa4,
  CRT_Q: 0xa5,
  CRT_QINV: 0xa6,
  CRT_DP: 0xa7,
  CRT_DQ: 0xa8,
  ECC_PUBLIC: 0xb0,
  ECC_REFERENCE: 0xf0,
} as const;

/** PK_SD_AUT and "SD and applications". @see GPCS 11.1.9, 11.1.10 */
const USAGE_PUBLIC_KEY = 0x82;
const ACCESS_SECURITY_DOMAIN = 0x01;
const ACCESS_ANY = 0x00;

function component(type: number, value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(type), encodeLength(value.length), value);
}

function command(reference: KeyReference, label: string, field: Uint8Array): GpCommand {
  const data = concat(Uint8Array.of(reference.kvn), field);
  return gpCommand({ label, cla: 0x80, ins: INS.PUT_KEY, p1: 0x00, p2: reference.kid, data, le: true });
}

/** A trust point's field may carry the holder reference that certificates must name (applet README 5.5). */
const holder = (reference?: Uint8Array): Uint8Array =>
  reference === undefined ? new Uint8Array() : encodeTlv(0x5f20, reference);

/**
 * PUT KEY of a public key, format 1 with repeated components: `KVN ‖ A1 L N ‖ A0 L e ‖ 00 [‖ 5F20 10 CHR]`.
 *
 * @see GPCS 11.8.2.3
 */
export function putPublicKey(reference: KeyReference, key: PublicKey, holderReference?: Uint8Array): GpCommand {
  const { modulus, exponent } = key;
  const field = concat(
    component(KEY_TYPE.RSA_MODULUS, modulus),
    component(KEY_TYPE.RSA_EXPONENT, exponent),
    Uint8Array.of(0),
    holder(holderReference),
  );
  return command(reference, 'PUT KEY [public key]', field);
}

/** PUT KEY of a point on a named curve: `KVN ‖ B0 L 04XY ‖ F0 01 curve ‖ 00`. @see GPCS 11.8.2.3, 11-72 */
export function putEccPublicKey(reference: KeyReference, point: Uint8Array, curve: number): GpCommand {
  const field = concat(
    component(KEY_TYPE.ECC_PUBLIC, point),
    component(KEY_TYPE.ECC_REFERENCE, Uint8Array.of(curve)),
    Uint8Array.of(0),
  );
  return command(reference, 'PUT KEY [public key]', field);
}

/** The same in format 2: `KVN ‖ FF A1 L N ‖ FF A0 L e ‖ 00 ‖ 01 usage ‖ 01 access [‖ 5F20 10 CHR]`. */
export function putPublicKeyExtended(reference: KeyReference, key: PublicKey, holderReference?: Uint8Array): GpCommand {
  const extended = Uint8Array.of(0xff);
  const field = concat(
    extended,
    component(KEY_TYPE.RSA_MODULUS, key.modulus),
    extended,
    component(KEY_TYPE.RSA_EXPONENT, key.exponent),
    Uint8Array.of(0, 1, USAGE_PUBLIC_KEY, 1, ACCESS_SECURITY_DOMAIN),
    holder(holderReference),
  );
  return command(reference, 'PUT KEY [public key]', field);
}

/** PUT KEY of CERT.SD.AUT: `KVN ‖ FF 7F21 L .. ‖ 00 ‖ 01 82 ‖ 01 00` (key-distribution.md section 7 row 6). */
export function putCertificate(reference: KeyReference, certificate: Uint8Array): GpCommand {
  const tail = Uint8Array.of(0, 1, USAGE_PUBLIC_KEY, 1, ACCESS_ANY);
  return command(reference, 'PUT KEY [certificate]', concat(Uint8Array.of(0xff), certificate, tail));
}

/** `KVN`, with no key check value after it. @throws WireError when it is not the KVN that was put */
export function decodePutKeyResponse(response: Uint8Array, expected: KeyVersionNumber): void {
  if (response.length !== 1 || response[0] !== expected) {
    throw new WireError('put-key-response', 'PUT KEY answered another key version', { expected, got: response[0] });
  }
}

/** A secret key as PUT KEY carries it: enciphered by the caller under the key encryption key. */
export interface EncipheredKey {
  readonly type: (typeof KEY_TYPE)['DES' | 'TLS_PSK' | 'AES' | 'HMAC_SHA1' | 'HMAC_SHA256'];
  readonly ciphertext: Uint8Array;
  /** Length of the key itself, in bytes. */
  readonly keyLength: number;
  /** 3 bytes of a DES, AES or pre-shared key, none of another. @see GPCS B.6; Amendment B 3.9.1 */
  readonly checkValue: Uint8Array;
}

/**
 * PUT KEY of a set, KIDs counting up from `kid`: `KVN ‖ { type L [length] ciphertext ‖ 0|3 KCV }*`. AES and
 * pre-shared keys carry their length before the ciphertext, as Amendments D and B have it, others where they are no
 * whole blocks.
 *
 * @param replaces KVN of the set that goes; 0 adds a new one
 * @returns the command; its answer is `KVN ‖ KCV*`, see `decodePutKeySetResponse`
 * @see GPCS 11.8.2.3; Amendment D 7.2; Amendment B 3.9.1
 */
export function putKeySet({ kvn, kid }: KeyReference, keys: readonly EncipheredKey[], replaces: number = 0): GpCommand {
  const fields = keys.map(({ type, ciphertext, keyLength, checkValue }) => {
    const named = type === KEY_TYPE.AES || type === KEY_TYPE.TLS_PSK || keyLength !== ciphertext.length;
    const value = named ? concat(Uint8Array.of(keyLength), ciphertext) : ciphertext;
    return concat(component(type, value), Uint8Array.of(checkValue.length), checkValue);
  });
  const p2 = keys.length > 1 ? kid | 0x80 : kid;
  const data = concat(Uint8Array.of(kvn), ...fields);
  return gpCommand({ label: 'PUT KEY', cla: 0x80, ins: INS.PUT_KEY, p1: replaces, p2, data, le: true });
}

/**
 * `KVN ‖ KCV1 ‖ KCV2 ..`, with no lengths. What a card says of a key that was sent without a check value cannot be
 * compared.
 *
 * @throws WireError when the card holds other keys than were sent
 */
export function decodePutKeySetResponse(response: Uint8Array, kvn: number, keys: readonly EncipheredKey[]): void {
  const expected = concat(Uint8Array.of(kvn), ...keys.map(({ checkValue }) => checkValue));
  if (sameBytes(response, expected) || sameBytes(response, Uint8Array.of(kvn))) return;
  if (expected.length === 1 && response[0] === kvn) return;
  throw new WireError('put-key-response', 'PUT KEY answered other key check values than those of the keys', {
    got: response.length,
    expected: expected.length,
  });
}
