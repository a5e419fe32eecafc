// SPDX-License-Identifier: Apache-2.0
import { AES_KEY_LENGTHS, aesCbcDecrypt, aesCbcEncrypt, aesCmac } from '../crypto/aes.ts';
import { constantTimeEqual } from '../crypto/equal.ts';
import { type RandomSource, systemRandom } from '../crypto/random.ts';
import { KeyError, WireError } from '../errors.ts';
import { concat, fromHex, toHex } from '../wire/hex.ts';

/**
 * TR-31 key blocks of version D (ANSI X9.143): header in clear and bound by the MAC, key encrypted.
 *
 * Header, 16 characters: version, length (4 digits, of the whole block), key usage (2), algorithm, mode of use,
 * key version number (2), exportability, number of optional blocks (2), `00`. Then optional blocks: id (2),
 * length (2 hex digits, of the whole), data. Then in hex: encrypted key, MAC (32 digits).
 */
export interface KeyBlockHeader {
  readonly keyUsage: string;
  readonly algorithm: string;
  readonly modeOfUse: string;
  readonly versionNumber: string;
  readonly exportability: string;
}

const HEADER = 16;
const BLOCK = 16;
const MAC_DIGITS = 2 * BLOCK;
const MAX_BLOCK = 2_048;
const PURPOSE = { encryption: 0x0000, authentication: 0x0001 } as const;
/** AES-128, -192, -256 in the derivation data. */
const ALGORITHM: Readonly<Record<number, number>> = { 16: 0x0002, 24: 0x0003, 32: 0x0004 };
/** Longest key of each algorithm in bytes: shorter ones are padded so that the block does not tell their length. */
const PADDED_TO: Readonly<Record<string, number>> = { A: 32, T: 24 };

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function malformed(message: string): WireError {
  return new WireError('key-block', `This is no TR-31 key block: ${message}`);
}

/** Key of the block's encryption or MAC. @see TR-31 5.3.2.1: AES-CMAC in counter mode over 8 bytes */
function derive(protectionKey: Uint8Array, purpose: number): Uint8Array {
  const algorithm = ALGORITHM[protectionKey.length];
  if (algorithm === undefined) throw new KeyError('transport-key', 'Key blocks of version D want an AES key');
  const bits = protectionKey.length * 8;
  const blocks = [1, 2].map((counter) =>
    aesCmac(protectionKey, Uint8Array.of(counter, 0, purpose, 0, 0, algorithm, bits >> 8, bits & 0xff)),
  );
  return concat(...blocks).slice(0, protectionKey.length);
}

/**
 * Wraps a key.
 *
 * @param protectionKey AES, 16, 24 or 32 bytes
 * @throws KeyError for another protection key
 */
export function wrapKeyBlock(
  protectionKey: Uint8Array,
  header: KeyBlockHeader,
  key: Uint8Array,
  random: RandomSource = systemRandom,
): string {
  const padded = Math.max(PADDED_TO[header.algorithm] ?? 0, key.length);
  const length = Math.ceil((2 + padded) / BLOCK) * BLOCK;
  const bits = key.length * 8;
  const filler = random(length - 2 - key.length, 'key-block-padding');
  const plain = concat(Uint8Array.of(bits >> 8, bits & 0xff), key, filler);
  const total = String(HEADER + 2 * length + MAC_DIGITS).padStart(4, '0');
  const { keyUsage, algorithm, modeOfUse, versionNumber, exportability } = header;
  const text = `D${total}${keyUsage}${algorithm}${modeOfUse}${versionNumber}${exportability}0000`;
  const mac = aesCmac(derive(protectionKey, PURPOSE.authentication), ascii(text), plain);
  const encrypted = aesCbcEncrypt(derive(protectionKey, PURPOSE.encryption), plain, mac);
  plain.fill(0);
  return `${text}${toHex(encrypted)}${toHex(mac)}`;
}

/**
 * Opens a block; nothing of it counts before its MAC has verified.
 *
 * @throws WireError `key-block` when malformed; KeyError `key-block-mac` when it does not verify
 */
export function unwrapKeyBlock(
  protectionKey: Uint8Array,
  block: string,
): { readonly header: KeyBlockHeader; readonly key: Uint8Array } {
  const headerLength = headerLengthOf(block);
  const rest = block.slice(headerLength);
  if (!/^([0-9A-F]{32}){2,}$/.test(rest)) throw malformed('its key is not whole blocks in hexadecimal');
  const mac = fromHex(rest.slice(-MAC_DIGITS));
  const encrypted = fromHex(rest.slice(0, -MAC_DIGITS));
  const plain = aesCbcDecrypt(derive(protectionKey, PURPOSE.encryption), encrypted, mac);
  const wanted = aesCmac(derive(protectionKey, PURPOSE.authentication), ascii(block.slice(0, headerLength)), plain);
  if (!constantTimeEqual(mac, wanted))
    throw new KeyError('key-block-mac', 'The key block was changed, or another key protects it');
  const bits = ((plain[0] ?? 0) << 8) | (plain[1] ?? 0);
  const key = plain.slice(2, 2 + bits / 8);
  plain.fill(0);
  if (!AES_KEY_LENGTHS.some((length) => length * 8 === bits) || key.length * 8 !== bits)
    throw malformed(`a key of ${bits} bits`);
  return { header: headerOf(block), key };
}

const headerOf = (block: string): KeyBlockHeader => ({
  ...{ keyUsage: block.slice(5, 7), algorithm: block.slice(7, 8), modeOfUse: block.slice(8, 9) },
  ...{ versionNumber: block.slice(9, 11), exportability: block.slice(11, 12) },
});

/** Where the optional blocks end. */
function headerLengthOf(block: string): number {
  if (block.length > MAX_BLOCK || !/^[\x20-\x7E]*$/.test(block)) throw malformed('too long, or not ASCII');
  if (!/^D\d{4}[0-9A-Z]{2}[0-9A-Z]{2}[0-9A-Z]{2}[ENS]\d{2}\d{2}/.test(block)) throw malformed('not of version D');
  if (Number(block.slice(1, 5)) !== block.length) throw malformed('its length is another');
  let at = HEADER;
  for (let left = Number(block.slice(12, 14)); left > 0; left -= 1) {
    const length = /^[0-9A-F]{2}$/.test(block.slice(at + 2, at + 4))
      ? Number.parseInt(block.slice(at + 2, at + 4), 16)
      : 0;
    if (length < 4 || at + length > block.length) throw malformed('an optional block passes its end');
    at += length;
  }
  return at;
}
