// SPDX-License-Identifier: Apache-2.0
import { desCbcEncrypt } from '../../crypto/des.ts';
import { Secret } from '../../crypto/secret.ts';
import { concat } from '../../wire/hex.ts';
import type { StaticKeys } from '../symmetric-keys.ts';

/** Derivation constants. @see GPCS E.4.1 */
const DERIVATION = { C_MAC: 0x0101, R_MAC: 0x0102, DEK: 0x0181, ENC: 0x0182 } as const;

export interface Scp02SessionKeys {
  readonly enc: Secret;
  readonly mac: Secret;
  readonly rMac: Secret;
  readonly dek: Secret;
}

/** `3DES-CBC(static, IV 0, constant ‖ counter(2) ‖ 00 x12)`. @see GPCS E.4.1 */
function derive(key: Secret, constant: number, counter: Uint8Array): Secret {
  const input = concat(Uint8Array.of(constant >> 8, constant & 0xff), counter, new Uint8Array(12));
  return new Secret(desCbcEncrypt(key.expose(), input));
}

/** @param counter 2 bytes, the sequence counter of the answer to INITIALIZE UPDATE */
export const deriveScp02Keys = (keys: StaticKeys, counter: Uint8Array): Scp02SessionKeys => ({
  enc: derive(keys.enc, DERIVATION.ENC, counter),
  mac: derive(keys.mac, DERIVATION.C_MAC, counter),
  rMac: derive(keys.mac, DERIVATION.R_MAC, counter),
  dek: derive(keys.dek, DERIVATION.DEK, counter),
});

export function wipeScp02Keys(keys: Scp02SessionKeys | undefined): void {
  if (keys !== undefined) for (const key of [keys.enc, keys.mac, keys.rMac, keys.dek]) key.wipe();
}
