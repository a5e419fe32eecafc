// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../../crypto/aes.ts';
import { Secret } from '../../crypto/secret.ts';
import { concat } from '../../wire/hex.ts';
import type { StaticKeys } from '../symmetric-keys.ts';

/** Derivation constants. @see Amendment D 4.1.5, Table 4-1 */
export const DERIVATION = {
  CARD_CRYPTOGRAM: 0x00,
  HOST_CRYPTOGRAM: 0x01,
  CARD_CHALLENGE: 0x02,
  S_ENC: 0x04,
  S_MAC: 0x06,
  S_RMAC: 0x07,
} as const;

const BLOCK_BITS = 128;

/**
 * Counter-mode KDF with AES-CMAC: block n is `CMAC(key, 00 x11 ‖ constant ‖ 00 ‖ L(2, bits) ‖ n ‖ context)`.
 *
 * @param length of the result in bytes
 * @see NIST SP 800-108; Amendment D 4.1.5
 */
export function deriveData(key: Uint8Array, constant: number, length: number, context: Uint8Array): Uint8Array {
  const bits = length * 8;
  const label = new Uint8Array(12);
  label[11] = constant;
  const blocks = Array.from({ length: Math.ceil(bits / BLOCK_BITS) }, (_, index) =>
    aesCmac(key, label, Uint8Array.of(0, bits >> 8, bits & 0xff, index + 1), context),
  );
  return concat(...blocks).slice(0, length);
}

export interface Scp03SessionKeys {
  readonly enc: Secret;
  readonly mac: Secret;
  readonly rMac: Secret;
}

/** S-ENC, S-MAC and S-RMAC, each as long as its static key. @see Amendment D 6.2.1 */
export function deriveSessionKeys(keys: Pick<StaticKeys, 'enc' | 'mac'>, context: Uint8Array): Scp03SessionKeys {
  const enc = keys.enc.expose();
  const mac = keys.mac.expose();
  return {
    enc: new Secret(deriveData(enc, DERIVATION.S_ENC, enc.length, context)),
    mac: new Secret(deriveData(mac, DERIVATION.S_MAC, mac.length, context)),
    rMac: new Secret(deriveData(mac, DERIVATION.S_RMAC, mac.length, context)),
  };
}

export function wipeScp03Keys(keys: Scp03SessionKeys | undefined): void {
  if (keys !== undefined) for (const key of [keys.enc, keys.mac, keys.rMac]) key.wipe();
}
