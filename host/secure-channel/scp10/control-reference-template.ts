// SPDX-License-Identifier: Apache-2.0
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { concat } from '../../wire/hex.ts';
import type { SecurityLevel } from '../security-level.ts';
import { needsEncryption, type SessionKeys } from './session-keys.ts';

/** Tags of control reference templates. @see GPCS F.3.1.2, Table F-11 */
const TAG = {
  LEVEL: 0xd3,
  MAC: 0xb4,
  CONFIDENTIALITY: 0xb8,
  USAGE: 0x95,
  KEY_TYPE: 0x80,
  KEY: 0xd1,
  COUNTER: 0x91,
} as const;
/** Usage: command and response secure messaging; sensitive data in both directions. */
const USAGE = { SECURE_MESSAGING: 0x30, SENSITIVE_DATA: 0xc0 } as const;
const DES = 0x80;

export function encodeCounter(counter: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, counter));
  return new Uint8Array(bytes);
}

function template(tag: number, usage: number, ...rest: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(
    tag,
    encodeTlv(TAG.USAGE, Uint8Array.of(usage)),
    encodeTlv(TAG.KEY_TYPE, Uint8Array.of(DES)),
    ...rest,
  );
}

/** In the level of T, ours: the signature over T is for the holder of PK.SD.AUT alone (docs/scp10.md 4.3). */
const FOR_RECEIVER = 0x04;

/**
 * `D3 01 level` and one CRT for each key, with the keys and the MAC counter: the plaintext T of key transport.
 *
 * @param namesReceiver sets bit 04 of the level
 */
export function encodeKeyTemplates(
  level: SecurityLevel,
  keys: SessionKeys,
  counter: bigint,
  namesReceiver = false,
): Uint8Array {
  const key = (secret: SessionKeys['mac']): Uint8Array => encodeTlv(TAG.KEY, secret.expose());
  return concat(
    encodeTlv(TAG.LEVEL, Uint8Array.of(namesReceiver ? level | FOR_RECEIVER : level)),
    template(TAG.MAC, USAGE.SECURE_MESSAGING, key(keys.mac), encodeTlv(TAG.COUNTER, encodeCounter(counter))),
    keys.enc === undefined ? new Uint8Array() : template(TAG.CONFIDENTIALITY, USAGE.SECURE_MESSAGING, key(keys.enc)),
    template(TAG.CONFIDENTIALITY, USAGE.SENSITIVE_DATA, key(keys.dek)),
  );
}

/** The same without keys and counter, for key agreement. */
export function encodeTemplates(level: SecurityLevel): Uint8Array {
  return concat(
    encodeTlv(TAG.LEVEL, Uint8Array.of(level)),
    template(TAG.MAC, USAGE.SECURE_MESSAGING),
    needsEncryption(level) ? template(TAG.CONFIDENTIALITY, USAGE.SECURE_MESSAGING) : new Uint8Array(),
    template(TAG.CONFIDENTIALITY, USAGE.SENSITIVE_DATA),
  );
}
