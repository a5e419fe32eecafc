// SPDX-License-Identifier: Apache-2.0
import { aesKeyCheckValue } from '../crypto/aes.ts';
import { BLOCK, desEcbEncrypt } from '../crypto/des.ts';
import { preSharedKeyCheckValue } from '../crypto/kcv.ts';
import { systemRandom } from '../crypto/random.ts';
import type { Secret } from '../crypto/secret.ts';
import type { KeyReference } from '../wire/gp/key-reference.ts';
import { decodePutKeySetResponse, type EncipheredKey, KEY_TYPE, putKeySet } from '../wire/gp/put-key.ts';
import { concat } from '../wire/hex.ts';

export type KeyKind = 'des' | 'aes' | 'psk' | 'hmac-sha1' | 'hmac-sha256';

const TYPES: Readonly<Record<KeyKind, EncipheredKey['type']>> = {
  des: KEY_TYPE.DES,
  aes: KEY_TYPE.AES,
  psk: KEY_TYPE.TLS_PSK,
  'hmac-sha1': KEY_TYPE.HMAC_SHA1,
  'hmac-sha256': KEY_TYPE.HMAC_SHA256,
};

/** What enciphers a key for PUT KEY: a card session, or a secure channel itself. */
export interface KeySealer {
  encryptSensitive(data: Uint8Array): Uint8Array;
}

function encipher(session: KeySealer, kind: KeyKind, key: Secret, unchecked: boolean): EncipheredKey {
  const bytes = key.expose();
  return {
    type: TYPES[kind],
    ciphertext: session.encryptSensitive(wholeBlocks(bytes)),
    keyLength: bytes.length,
    checkValue: unchecked ? new Uint8Array() : checkValue(kind, bytes),
  };
}

function checkValue(kind: KeyKind, bytes: Uint8Array): Uint8Array {
  if (kind === 'aes') return aesKeyCheckValue(bytes);
  if (kind === 'psk') return preSharedKeyCheckValue(bytes);
  return kind === 'des' ? desEcbEncrypt(bytes, new Uint8Array(BLOCK)).slice(0, 3) : new Uint8Array();
}

/** A DEK of triple DES takes blocks of eight bytes, one of AES fills up by itself. @see GPCS 11.8.2.3.2 */
function wholeBlocks(bytes: Uint8Array): Uint8Array {
  const missing = (BLOCK - (bytes.length % BLOCK)) % BLOCK;
  return missing === 0 ? bytes : concat(bytes, systemRandom(missing, 'key-padding'));
}

/** The PUT KEY of ENC, MAC and DEK under one KVN, all or none, with what the answer must say. */
export function keySetCommand(
  session: KeySealer,
  set: {
    readonly reference: KeyReference;
    readonly kind: KeyKind;
    readonly keys: readonly Secret[];
    readonly replaces?: number;
    /** True for cards that take no check value with this kind. */
    readonly unchecked?: boolean;
  },
) {
  const keys = set.keys.map((key) => encipher(session, set.kind, key, set.unchecked === true));
  return {
    command: putKeySet(set.reference, keys, set.replaces),
    /** @throws WireError when the card computed other check values */
    check: (answer: Uint8Array): void => decodePutKeySetResponse(answer, set.reference.kvn, keys),
  };
}
