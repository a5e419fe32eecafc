// SPDX-License-Identifier: Apache-2.0
import { aesKeyCheckValue } from '../crypto/aes.ts';
import { desEcbEncrypt } from '../crypto/des.ts';
import type { Secret } from '../crypto/secret.ts';
import type { KeyReference } from '../wire/gp/key-reference.ts';
import { decodePutKeySetResponse, type EncipheredKey, KEY_TYPE, putKeySet } from '../wire/gp/put-key.ts';
import type { CardSession } from './card-session.ts';

export type KeyKind = 'des' | 'aes';

function encipher(session: CardSession, kind: KeyKind, key: Secret): EncipheredKey {
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
  session: CardSession,
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
