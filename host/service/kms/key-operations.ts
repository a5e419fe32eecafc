// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { aesCmac } from '../../crypto/aes.ts';
import { BLOCK, desEcbEncrypt, fullTripleDesMac, pad80, retailMac } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import { Secret } from '../../crypto/secret.ts';
import { KeyError, PolicyError, UnacceptableError } from '../../errors.ts';
import { diversify } from '../../kms/diversification.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { KeyOperation, KeyOperationResult, ManagedKey } from '../../wire/message/managed-keys.ts';

/** What is computed with symmetric keys; who may do it is decided before (key-life-cycle.ts). */

const NONCE = 12;
const TAG = 16;
const SERIAL = 8;
const DERIVATION_HEAD = 6;
/** Number of the key in KDF3. */
const CARD_KEY = 1;

/**
 * The key of one card: AES by KDF3 (counter mode with CMAC) over the serial, triple DES by the serial and its
 * complement.
 *
 * @param serial 8 bytes, hex
 */
export function cardKeyOf({ algorithm }: ManagedKey, master: Secret, serial: string): Uint8Array {
  const bytes = fromHex(serial, SERIAL);
  if (algorithm === 'aes') return diversify('kdf3', master.expose(), bytes, CARD_KEY);
  const complement = bytes.map((byte) => ~byte);
  return desEcbEncrypt(master.expose(), concat(bytes, complement));
}

/** `n 00 00 00 01 00 ‖ serial`: CMAC of this under a master is a part of a card's key. */
function isDerivation(data: Uint8Array): boolean {
  return data.length === DERIVATION_HEAD + SERIAL && /^0[12]0000000100/.test(toHex(data));
}

/**
 * Computes with a key that may do so, or with the key of one card that comes from it.
 *
 * @throws PolicyError `derivation-input` for a MAC that would be the key of a card
 */
export function operate(request: KeyOperation, info: ManagedKey, secret: Secret): Omit<KeyOperationResult, 'version'> {
  if (request.serial === undefined) {
    if (info.keyUsage === 'M6' && isDerivation(fromHex(request.data)))
      throw new PolicyError('derivation-input', 'The MAC of these bytes is a card’s key, and keys do not leave so');
    return compute(request, info, secret);
  }
  const own = new Secret(cardKeyOf(info, secret, request.serial));
  try {
    return compute(request, info, own);
  } finally {
    own.wipe();
  }
}

function compute(
  { operation, data, mac }: KeyOperation,
  { keyUsage, algorithm, lengthBits }: ManagedKey,
  secret: Secret,
): Omit<KeyOperationResult, 'version'> {
  if (operation === 'derive-card-key')
    throw new UnacceptableError(
      'derive-card-key',
      'The key of a card leaves in a secure channel alone: wrap a command with it',
    );
  const bytes = fromHex(data);
  if ((operation === 'verify-mac') !== (mac !== undefined))
    throw new UnacceptableError('mac-argument', 'verify-mac takes a mac, and nothing else does');
  if (operation === 'encrypt') return { data: toHex(gcmSeal(secret, bytes, lengthBits)) };
  if (operation === 'decrypt') return { data: toHex(gcmOpen(secret, bytes, lengthBits)) };
  const own = macOf({ keyUsage, algorithm }, secret.expose(), bytes);
  if (mac === undefined) return { data: toHex(own) };
  const got = fromHex(mac);
  return { verified: constantTimeEqual(own.slice(0, got.length), got) };
}

/** CMAC, or algorithm 1 or 3 of ISO 9797-1 with its padding method 2, by the key's usage. */
function macOf(
  { keyUsage, algorithm }: Pick<ManagedKey, 'keyUsage' | 'algorithm'>,
  key: Uint8Array,
  bytes: Uint8Array,
): Uint8Array {
  if (keyUsage === 'M6' || algorithm === 'aes') return aesCmac(key, bytes);
  if (keyUsage === 'M1') return fullTripleDesMac(key, bytes);
  return retailMac(key, new Uint8Array(BLOCK), pad80(bytes));
}

/** Nonce, ciphertext, tag: AES-GCM. @see NIST SP 800-38D */
function gcmSeal(secret: Secret, plain: Uint8Array, bits: number): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(gcm(bits), secret.expose(), nonce, { authTagLength: TAG });
  return concat(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

/** @throws KeyError `data-unreadable` */
function gcmOpen(secret: Secret, sealed: Uint8Array, bits: number): Uint8Array {
  try {
    const decipher = createDecipheriv(gcm(bits), secret.expose(), sealed.slice(0, NONCE), { authTagLength: TAG });
    decipher.setAuthTag(sealed.slice(-TAG));
    return concat(decipher.update(sealed.slice(NONCE, -TAG)), decipher.final());
  } catch {
    throw new KeyError('data-unreadable', 'The data was changed, or another key or version encrypted it');
  }
}

const gcm = (bits: number): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' => {
  if (bits === 128) return 'aes-128-gcm';
  return bits === 192 ? 'aes-192-gcm' : 'aes-256-gcm';
};
