// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { desEcbEncrypt } from '../../crypto/des.ts';
import type { RandomSource } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { concat } from '../../wire/hex.ts';
import { LEVEL, type SecurityLevel } from '../security-level.ts';

const KEY_LENGTH = 16;

/** All keys of one session: C-MAC and R-MAC share one, so do C-ENC and R-ENC. */
export interface SessionKeys {
  readonly mac: Secret;
  /** Absent below C_DECRYPTION. */
  readonly enc?: Secret;
  readonly dek: Secret;
}

export const needsEncryption = (level: SecurityLevel): boolean =>
  (level & (LEVEL.C_DECRYPTION | LEVEL.R_ENCRYPTION)) !== 0;

/** Fresh keys for key transport. */
export function drawSessionKeys(level: SecurityLevel, random: RandomSource): SessionKeys {
  const mac = new Secret(random(KEY_LENGTH, 'mac-key'));
  const enc = needsEncryption(level) ? { enc: new Secret(random(KEY_LENGTH, 'enc-key')) } : {};
  return { mac, ...enc, dek: new Secret(random(KEY_LENGTH, 'dek-key')) };
}

/** Number of the counter in the derivation: first MAC, first ENC, first DEK. @see GPCS F.3.1.3, Table F-12 */
const COUNTER = { MAC: 1, ENC: 2, DEK: 5 } as const;

/**
 * Keys of key agreement: `SHA-1(X ‖ counter32)`, first 16 bytes, with X = OES xor CS.
 *
 * @see GPCS F.3.1.3
 */
export function deriveSessionKeys(level: SecurityLevel, oes: Uint8Array, cs: Uint8Array): SessionKeys {
  const x = oes.map((byte, index) => byte ^ (cs[index] ?? 0));
  const derive = (counter: number): Secret => {
    const digest = createHash('sha1')
      .update(concat(x, Uint8Array.of(0, 0, 0, counter)))
      .digest();
    return new Secret(new Uint8Array(digest.subarray(0, KEY_LENGTH)));
  };
  const keys = {
    mac: derive(COUNTER.MAC),
    ...(needsEncryption(level) ? { enc: derive(COUNTER.ENC) } : {}),
    dek: derive(COUNTER.DEK),
  };
  x.fill(0);
  return keys;
}

/** In the order of their CRTs. */
export const orderedKeys = (keys: SessionKeys): Secret[] => [
  keys.mac,
  ...(keys.enc === undefined ? [] : [keys.enc]),
  keys.dek,
];

export function wipeSessionKeys(keys: SessionKeys | undefined): void {
  if (keys === undefined) return;
  for (const key of orderedKeys(keys)) key.wipe();
}

/** Triple DES in ECB under the session's DEK; data is a multiple of 8. @see GPCS F.3.2.7; key-distribution row 5 */
export const encryptUnderDek = (keys: SessionKeys, data: Uint8Array): Uint8Array =>
  desEcbEncrypt(keys.dek.expose(), data);
