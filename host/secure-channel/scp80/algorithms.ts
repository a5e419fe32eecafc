// SPDX-License-Identifier: Apache-2.0
import { AES_BLOCK, aesCbcDecrypt, aesCbcEncrypt, aesCmac } from '../../crypto/aes.ts';
import { crc16, crc32 } from '../../crypto/crc.ts';
import { BLOCK, desCbcDecrypt, desCbcEncrypt } from '../../crypto/des.ts';
import type { Secret } from '../../crypto/secret.ts';
import { SecureChannelError } from '../../errors.ts';
import { concat } from '../../wire/hex.ts';
import type { ChecksumLength } from '../../wire/uicc/secured-packet.ts';
import type { Integrity } from '../../wire/uicc/security-parameters-indicator.ts';

export const ALGORITHMS = ['aes', 'triple-des-2', 'triple-des-3'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A key with what it is for: the algorithm is a property of the key, the packet only repeats it. */
export interface PacketKey {
  readonly algorithm: Algorithm;
  readonly key: Secret;
}

/** KIc and KID of one key set; KVN 01 to 0F. @see TS 102 225 5.1.2, 5.1.3 */
export interface PacketKeys {
  /** Key set number, 1 to 15, as the high nibble of KIc and KID tells it. */
  readonly keySet: number;
  readonly kic?: PacketKey;
  readonly kid?: PacketKey;
  /**
   * Bytes of an AES-CMAC in a packet; 8 where absent. Shorter ones are refused, so that a sender cannot choose them.
   */
  readonly macLength?: 4 | 8;
}

export interface BlockCipher {
  readonly block: number;
  encrypt(data: Uint8Array): Uint8Array;
  decrypt(data: Uint8Array): Uint8Array;
}

export interface Checksum {
  readonly length: ChecksumLength;
  compute(...parts: readonly Uint8Array[]): Uint8Array;
}

const LOW_NIBBLE: ReadonlyMap<number, Algorithm> = new Map([
  [0x2, 'aes'],
  [0x5, 'triple-des-2'],
  [0x9, 'triple-des-3'],
]);
/** Algorithms that this code knows by name and does not do. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x1, 'single DES in CBC'],
  [0xd, 'single DES in ECB'],
  [0x3, 'a proprietary algorithm'],
]);
const IMPLICIT = 0x0;
const CRC_16 = 0x1;
const CRC_32 = 0x5;
const KEY_LENGTHS: Readonly<Record<Algorithm, readonly number[]>> = {
  aes: [16, 24, 32],
  'triple-des-2': [16],
  'triple-des-3': [24],
};

/** KIc or KID byte that names this key set and algorithm. */
export function keyIndication(keySet: number, algorithm: Algorithm): number {
  for (const [nibble, name] of LOW_NIBBLE) if (name === algorithm) return (keySet << 4) | nibble;
  return refuse('packet-algorithm', `Nothing in KIc and KID stands for ${algorithm}`);
}

/** KID byte of a packet with a CRC in place of a checksum. */
export const redundancyIndication = (keySet: number, bits: 16 | 32): number =>
  (keySet << 4) | (bits === 16 ? CRC_16 : CRC_32);

function refuse(code: string, message: string, got?: number): never {
  throw new SecureChannelError(code, message, got === undefined ? {} : { got });
}

function requireKey(name: 'KIc' | 'KID', indication: number, keys: PacketKeys, key: PacketKey | undefined): PacketKey {
  const keySet = indication >> 4;
  const nibble = indication & 0x0f;
  const refused = REFUSED.get(nibble);
  if (refused !== undefined)
    refuse('packet-algorithm-refused', `${name} asks for ${refused}: give the card AES or triple DES keys`, indication);
  if (keySet !== 0 && keySet !== keys.keySet)
    refuse('packet-key-set', `${name} names another key set than ${keys.keySet}`, keySet);
  if (key === undefined) refuse('packet-key-absent', `Key set ${keys.keySet} has no key for ${name}`);
  if (nibble !== IMPLICIT && LOW_NIBBLE.get(nibble) !== key.algorithm)
    refuse('packet-algorithm', `${name} names another algorithm than the key is for, ${key.algorithm}`, indication);
  const { length } = key.key.expose();
  if (!KEY_LENGTHS[key.algorithm].includes(length))
    refuse('packet-key-length', `The key for ${name} has a length that ${key.algorithm} does not take`, length);
  return key;
}

/**
 * Cipher that KIc names: CBC, IV zero. @throws SecureChannelError when refused, unknown, or the key set has no such key
 */
export function cipherOf(kic: number, keys: PacketKeys): BlockCipher {
  const { algorithm, key } = requireKey('KIc', kic, keys, keys.kic);
  const value = key.expose();
  return algorithm === 'aes'
    ? { block: AES_BLOCK, encrypt: (data) => aesCbcEncrypt(value, data), decrypt: (data) => aesCbcDecrypt(value, data) }
    : { block: BLOCK, encrypt: (data) => desCbcEncrypt(value, data), decrypt: (data) => desCbcDecrypt(value, data) };
}

const NO_CHECKSUM: Checksum = { length: 0, compute: () => new Uint8Array() };

/** What KID names, read by the kind of check in use. @throws SecureChannelError as `cipherOf`, and for signatures */
export function checksumOf(integrity: Integrity, kid: number, keys: PacketKeys): Checksum {
  switch (integrity) {
    case 'none':
      return NO_CHECKSUM;
    case 'rc':
      return redundancyCheck(kid);
    case 'cc':
      return cryptographicChecksum(kid, keys);
    case 'ds':
      return refuse('packet-signature', 'Digital signatures on packets are not supported: ask for a CC');
  }
}

function redundancyCheck(kid: number): Checksum {
  const nibble = kid & 0x0f;
  if (nibble === CRC_16) return { length: 2, compute: (...parts) => crc16(concat(...parts)) };
  if (nibble === CRC_32) return { length: 4, compute: (...parts) => crc32(concat(...parts)) };
  return refuse('packet-algorithm', 'KID names neither CRC-16 nor CRC-32', kid);
}

function cryptographicChecksum(kid: number, keys: PacketKeys): Checksum {
  const { algorithm, key } = requireKey('KID', kid, keys, keys.kid);
  const value = key.expose();
  if (algorithm !== 'aes') return { length: 8, compute: (...parts) => tripleDesChecksum(value, concat(...parts)) };
  const length = keys.macLength ?? 8;
  return { length, compute: (...parts) => aesCmac(value, ...parts).slice(0, length) };
}

/** Last block of triple DES in CBC over the input, filled with zeros to a whole block. @see TS 102 225 5.1.3.1 */
function tripleDesChecksum(key: Uint8Array, input: Uint8Array): Uint8Array {
  const padded = concat(input, new Uint8Array(-input.length & (BLOCK - 1)));
  return desCbcEncrypt(key, padded).slice(-BLOCK);
}
