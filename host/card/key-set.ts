// SPDX-License-Identifier: Apache-2.0
import { aesKeyCheckValue } from '../crypto/aes.ts';
import { desEcbEncrypt } from '../crypto/des.ts';
import type { Secret } from '../crypto/secret.ts';
import type { KeyReference } from '../wire/gp/key-reference.ts';
import { decodePutKeySetResponse, type EncipheredKey, KEY_TYPE, putKeySet } from '../wire/gp/put-key.ts';

export type KeyKind = 'des' | 'aes';

/** What enciphers a key for PUT KEY: a card session, or a secure channel itself. */
export interface KeySealer {
  encryptSensitive(data: Uint8Array): Uint8Array;
}

function encipher(session: KeySealer, kind: KeyKind, key: Secret): EncipheredKey {
  const bytes = key.expose();
  return {
    type: kind === 'aes' ? KEY_TYPE.AES : KEY_TYPE.DES,
    ciphertext: session.encryptSensitive(bytes),
    keyLength: bytes.length,
    checkValue: kind === 'aes' ? aesKeyCheckValue(bytes) : desEcbEncrypt(bytes, new Uint8Array(8)).slice(0, 3),
  };
}

/** The PUT KEY of ENC, MAC and DEK under one KVN, all or none, with what the answer must say. */
export function keySetCommand(
  session: KeySealer,
  set: {
    readonly reference: KeyReference;
    readonly kind: KeyKind;
    readonly keys: readonly Secret[];
    readonly replaces?: number;
  },
) {
  const keys = set.keys.map((key) => encipher(session, set.kind, key));
  return {
    command: putKeySet(set.reference, keys, set.replaces),
    /** @throws WireError when the card computed other check values */
    check: (answer: Uint8Array): void => decodePutKeySetResponse(answer, set.reference.kvn, keys),
  };
}
