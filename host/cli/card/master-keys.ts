// SPDX-License-Identifier: Apache-2.0
import { AES_KEY_LENGTHS } from '../../crypto/aes.ts';
import { Secret } from '../../crypto/secret.ts';
import { UsageError } from '../../errors.ts';
import { DIVERSIFICATIONS, type MasterKeys } from '../../kms/diversification.ts';
import { fromHex } from '../../wire/hex.ts';

/** The published test keys of many development cards: 40 41 .. 4F, and on to 5F for AES-256. */
const TEST_KEY = Uint8Array.from({ length: 32 }, (_, index) => 0x40 + index);
const TEST_LENGTHS: Readonly<Record<string, number>> = { test: 16, default: 16, test192: 24, test256: 32 };

/**
 * A key with its scheme before it, as GlobalPlatformPro writes them: `emv:KEY`, `visa2:KEY`, `kdf3:KEY`.
 *
 * @param kdf what stands for a key without one
 * @throws UsageError where both are named and differ
 */
export function schemedKey(
  text: string | undefined,
  kdf: string,
): { readonly key: string | undefined; readonly kdf: string } {
  if (text === undefined) return { key: undefined, kdf };
  const at = text.indexOf(':');
  const scheme = DIVERSIFICATIONS.find((known) => known === text.slice(0, Math.max(at, 0)).toLowerCase());
  if (scheme === undefined) return { key: text, kdf };
  if (kdf !== 'none' && kdf !== scheme)
    throw new UsageError('key-format', `The key says ${scheme}, the other option ${kdf}: name one of them`);
  return { key: text.slice(at + 1), kdf: scheme };
}

/**
 * Reads `--key`, or what `option` names: one key for ENC, MAC and DEK, or three with colons, in hex; `test` is the
 * published test key
 * (`default` to GlobalPlatformPro).
 *
 * @throws UsageError that never repeats what was given
 */
export function masterKeys(text: string, option = '--key'): MasterKeys {
  const parts = text.split(':');
  if (parts.length !== 1 && parts.length !== 3)
    throw new UsageError('key-format', `${option} wants one key, or ENC:MAC:DEK`);
  const [enc = '', mac = enc, dek = enc] = parts;
  return { enc: secret(enc, option), mac: secret(mac, option), dek: secret(dek, option) };
}

function secret(text: string, option: string): Secret {
  const test = TEST_LENGTHS[text];
  if (test !== undefined) return new Secret(TEST_KEY.slice(0, test));
  if (!/^([0-9A-Fa-f]{2})+$/.test(text))
    throw new UsageError('key-format', `${option} wants hexadecimal digits, or test`);
  const bytes = fromHex(text.toUpperCase(), 32);
  if (!AES_KEY_LENGTHS.some((length) => length === bytes.length))
    throw new UsageError('key-length', `${option} wants 16, 24 or 32 bytes`, { got: bytes.length });
  return new Secret(bytes);
}
