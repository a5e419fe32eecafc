// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../crypto/aes.ts';
import { desEcbEncrypt } from '../crypto/des.ts';
import { Secret } from '../crypto/secret.ts';
import { KeyError } from '../errors.ts';
import type { StaticKeyLookup } from '../secure-channel/symmetric-keys.ts';
import { concat } from '../wire/hex.ts';
import type { KeyFormula } from './key-formula.ts';

/** How the keys of a card come from a master key and the card's diversification data. */
export const DIVERSIFICATIONS = ['none', 'visa2', 'emv', 'kdf3'] as const;
export type Diversification = (typeof DIVERSIFICATIONS)[number];

/** Number of the key in each formula. */
const KEY = { ENC: 1, MAC: 2, DEK: 3 } as const;

/** Positions of the ten diversification bytes that the two halves of a triple DES input begin with. */
const DES_INPUT: Readonly<Record<'visa2' | 'emv', readonly number[]>> = {
  visa2: [0, 1, 4, 5, 6, 7],
  emv: [4, 5, 6, 7, 8, 9],
};

function tripleDes(master: Uint8Array, diversification: Uint8Array, key: number, scheme: 'visa2' | 'emv'): Uint8Array {
  const lead = Uint8Array.from(DES_INPUT[scheme], (position) => diversification[position] ?? 0);
  return desEcbEncrypt(master, concat(lead, Uint8Array.of(0xf0, key), lead, Uint8Array.of(0x0f, key)));
}

/** Blocks `CMAC(M, n ‖ 00 00 00 ‖ key ‖ 00 ‖ diversification)`, cut to the master's length. */
function kdf3(master: Uint8Array, diversification: Uint8Array, key: number): Uint8Array {
  const blocks = [1, 2].map((n) => aesCmac(master, Uint8Array.of(n, 0, 0, 0, key, 0), diversification));
  return concat(...blocks).slice(0, master.length);
}

/**
 * The key of one card.
 *
 * @param master 16 bytes for `visa2` and `emv`; 16, 24 or 32 for `kdf3`
 * @param key 1 ENC, 2 MAC, 3 DEK
 * @throws KeyError when the master key has no length of the scheme
 */
export function diversify(
  scheme: Diversification,
  master: Uint8Array,
  diversification: Uint8Array,
  key: number,
): Uint8Array {
  if ((scheme === 'visa2' || scheme === 'emv') && master.length !== 16)
    throw new KeyError('master-key-length', `${scheme} wants a master key of 16 bytes`, { got: master.length });
  switch (scheme) {
    case 'none':
      return master.slice();
    case 'kdf3':
      return kdf3(master, diversification, key);
    default:
      return tripleDes(master, diversification, key, scheme);
  }
}

/** Master keys for ENC, MAC and DEK; often one and the same. */
export interface MasterKeys {
  readonly enc: Secret;
  readonly mac: Secret;
  readonly dek: Secret;
}

/**
 * Static keys of whichever card answers, diversified by what it shows.
 *
 * @param scheme one of the usual ones, or a formula of one's own
 */
export function diversifiedKeys(scheme: Diversification | KeyFormula, masters: MasterKeys): StaticKeyLookup {
  const formula: KeyFormula =
    typeof scheme === 'function'
      ? scheme
      : (master, diversification, key) => diversify(scheme, master, diversification, key);
  return (diversification) => {
    const derive = (master: Secret, key: number): Secret => new Secret(formula(master.expose(), diversification, key));
    return {
      enc: derive(masters.enc, KEY.ENC),
      mac: derive(masters.mac, KEY.MAC),
      dek: derive(masters.dek, KEY.DEK),
    };
  };
}
