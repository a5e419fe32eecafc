// SPDX-License-Identifier: Apache-2.0
import { aesCbcDecrypt, aesCbcEncrypt, aesCmac } from '../crypto/aes.ts';
import { desCbcDecrypt, desCbcEncrypt } from '../crypto/des.ts';
import { tripleDesCmac } from '../crypto/des-cmac.ts';
import { KeyError } from '../errors.ts';
import { concat } from '../wire/hex.ts';

/**
 * How a key block binds header and key under a protection key (ANSI X9.143, TR-31 5.3): version D by keys that AES
 * derives, B by keys that triple DES derives, C by variants of the key.
 */
export interface Binding {
  /** Of the cipher: header and encrypted key are whole blocks. */
  readonly block: number;
  readonly macLength: number;
  /** @returns the key field in clear, and the MAC as it should be */
  open(
    protectionKey: Uint8Array,
    header: Uint8Array,
    encrypted: Uint8Array,
    mac: Uint8Array,
  ): { readonly plain: Uint8Array; readonly wanted: Uint8Array };
}

const PURPOSE = { encryption: 0x0000, authentication: 0x0001 } as const;
type Purpose = keyof typeof PURPOSE;
/** TDES with two and three keys, AES-128, -192, -256 in the derivation data. */
const ALGORITHM = {
  tdes: new Map([
    [16, 0x0000],
    [24, 0x0001],
  ]),
  aes: new Map([
    [16, 0x0002],
    [24, 0x0003],
    [32, 0x0004],
  ]),
} as const;

function requireLength(algorithm: keyof typeof ALGORITHM, key: Uint8Array, version: string): number {
  const found = ALGORITHM[algorithm].get(key.length);
  if (found !== undefined) return found;
  const name = algorithm === 'aes' ? 'an AES key' : 'a triple DES key of 128 or 192 bits';
  throw new KeyError('transport-key', `Key blocks of version ${version} want ${name}`);
}

/** CMAC in counter mode over 8 bytes. @see TR-31 5.3.2.1, 5.3.2.3 */
function derive(protectionKey: Uint8Array, purpose: Purpose, version: 'B' | 'D'): Uint8Array {
  const algorithm = requireLength(version === 'D' ? 'aes' : 'tdes', protectionKey, version);
  const bits = protectionKey.length * 8;
  const cmac = version === 'D' ? aesCmac : tripleDesCmac;
  const blocks = [1, 2, 3].map((counter) =>
    cmac(protectionKey, Uint8Array.of(counter, 0, PURPOSE[purpose], 0, 0, algorithm, bits >> 8, bits & 0xff)),
  );
  return concat(...blocks).slice(0, protectionKey.length);
}

/** @see TR-31 5.3.1 */
function variant(protectionKey: Uint8Array, mask: number): Uint8Array {
  requireLength('tdes', protectionKey, 'C');
  return protectionKey.map((byte) => byte ^ mask);
}
const VARIANT = { encryption: 0x45, authentication: 0x4d } as const;
const IV_OF_C = 8;

/** Wraps in version D. @returns encrypted key field and MAC */
export function bindD(protectionKey: Uint8Array, header: Uint8Array, plain: Uint8Array) {
  const mac = aesCmac(derive(protectionKey, 'authentication', 'D'), header, plain);
  return { mac, encrypted: aesCbcEncrypt(derive(protectionKey, 'encryption', 'D'), plain, mac) };
}

export const BINDINGS: Readonly<Record<string, Binding>> = {
  D: {
    block: 16,
    macLength: 16,
    open: (key, header, encrypted, mac) => {
      const plain = aesCbcDecrypt(derive(key, 'encryption', 'D'), encrypted, mac);
      return { plain, wanted: aesCmac(derive(key, 'authentication', 'D'), header, plain) };
    },
  },
  B: {
    block: 8,
    macLength: 8,
    open: (key, header, encrypted, mac) => {
      const plain = desCbcDecrypt(derive(key, 'encryption', 'B'), encrypted, mac);
      return { plain, wanted: tripleDesCmac(derive(key, 'authentication', 'B'), header, plain) };
    },
  },
  C: {
    block: 8,
    macLength: 4,
    open: (key, header, encrypted) => {
      const plain = desCbcDecrypt(variant(key, VARIANT.encryption), encrypted, header.slice(0, IV_OF_C));
      const chain = desCbcEncrypt(variant(key, VARIANT.authentication), concat(header, encrypted));
      return { plain, wanted: chain.slice(-IV_OF_C, -IV_OF_C / 2) };
    },
  },
};
