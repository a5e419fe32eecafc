// SPDX-License-Identifier: Apache-2.0
import type { Secret } from '../crypto/secret.ts';

/** Key-ENC, Key-MAC and Key-DEK of one card, KID 1 to 3 under one KVN. @see GPCS E.4.1; Amendment D 6.1 */
export interface StaticKeys {
  readonly enc: Secret;
  readonly mac: Secret;
  readonly dek: Secret;
}

/**
 * Gives the static keys of the card that showed these diversification data. The channel takes them over and wipes
 * them: a lookup of the key service makes copies.
 *
 * @param diversification the 10 bytes that lead the answer to INITIALIZE UPDATE
 * @throws KeyError when there are none for this card
 */
export type StaticKeyLookup = (diversification: Uint8Array) => StaticKeys;

export function wipeStaticKeys(keys: StaticKeys | undefined): void {
  if (keys !== undefined) for (const key of [keys.enc, keys.mac, keys.dek]) key.wipe();
}
