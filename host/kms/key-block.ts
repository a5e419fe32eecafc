// SPDX-License-Identifier: Apache-2.0
import { AES_KEY_LENGTHS } from '../crypto/aes.ts';
import { constantTimeEqual } from '../crypto/equal.ts';
import { type RandomSource, systemRandom } from '../crypto/random.ts';
import { InvariantError, KeyError, WireError } from '../errors.ts';
import { concat, fromHex, toHex } from '../wire/hex.ts';
import { BINDINGS, bindD } from './key-block-binding.ts';

/**
 * TR-31 key blocks (ANSI X9.143): header in clear and bound by the MAC, key encrypted. Written in version D; B and C
 * are read, as hardware security modules with keys of triple DES send them.
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
/** Optional block with a text (X9.143): id, and length of the whole in two hex digits. */
const LABEL = { id: 'LB', longest: 0xff } as const;
/** Longest key of each algorithm in bytes: shorter ones are padded so that the block does not tell their length. */
const PADDED_TO: Readonly<Record<string, number>> = { A: 32, T: 24 };

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function malformed(message: string): WireError {
  return new WireError('key-block', `This is no TR-31 key block: ${message}`);
}

/**
 * Wraps a key.
 *
 * @param protectionKey AES, 16, 24 or 32 bytes
 * @param header `label`: 12 characters of ASCII and any number of times 16 more, so that the header is whole blocks
 * @throws KeyError for another protection key
 */
export function wrapKeyBlock(
  protectionKey: Uint8Array,
  header: KeyBlockHeader & { readonly label?: string },
  key: Uint8Array,
  random: RandomSource = systemRandom,
): string {
  const optional = optionalBlocksOf(header.label);
  const padded = Math.max(PADDED_TO[header.algorithm] ?? 0, key.length);
  const length = Math.ceil((2 + padded) / BLOCK) * BLOCK;
  const bits = key.length * 8;
  const filler = random(length - 2 - key.length, 'key-block-padding');
  const plain = concat(Uint8Array.of(bits >> 8, bits & 0xff), key, filler);
  const total = String(HEADER + optional.length + 2 * length + MAC_DIGITS).padStart(4, '0');
  const { keyUsage, algorithm, modeOfUse, versionNumber, exportability } = header;
  const blocks = optional === '' ? '00' : '01';
  const text = `D${total}${keyUsage}${algorithm}${modeOfUse}${versionNumber}${exportability}${blocks}00${optional}`;
  const { mac, encrypted } = bindD(protectionKey, ascii(text), plain);
  plain.fill(0);
  return `${text}${toHex(encrypted)}${toHex(mac)}`;
}

function optionalBlocksOf(label: string | undefined): string {
  if (label === undefined) return '';
  const length = LABEL.id.length + 2 + label.length;
  if (length % BLOCK !== 0 || length > LABEL.longest)
    throw new InvariantError('key-block-label', 'A label that does not fill whole blocks');
  return `${LABEL.id}${length.toString(16).toUpperCase().padStart(2, '0')}${label}`;
}

/**
 * Opens a block of version B, C or D; nothing of it counts before its MAC has verified. Hex digits are in either case.
 *
 * @param protectionKey AES for version D, triple DES of 16 or 24 bytes for B and C
 * @throws KeyError `transport-key` for another kind of protection key, `key-block-mac` when it does not verify,
 *     `key-block-strength` for another key than one of triple DES in version B or C
 * @throws WireError `key-block` when malformed
 */
export function unwrapKeyBlock(
  protectionKey: Uint8Array,
  block: string,
): { readonly header: KeyBlockHeader; readonly label?: string; readonly key: Uint8Array } {
  const { headerLength, label } = optionalOf(block);
  const binding = BINDINGS[block.slice(0, 1)];
  if (binding === undefined) throw malformed('not of version B, C or D');
  const rest = block.slice(headerLength);
  const macAt = rest.length - 2 * binding.macLength;
  const whole = macAt > 0 && macAt % (2 * binding.block) === 0 && headerLength % binding.block === 0;
  if (!whole || !/^[0-9A-Fa-f]*$/.test(rest)) throw malformed('its key is not whole blocks in hexadecimal');
  const mac = fromHex(rest.slice(macAt));
  const encrypted = fromHex(rest.slice(0, macAt));
  const header = ascii(block.slice(0, headerLength));
  const { plain, wanted } = binding.open(protectionKey, header, encrypted, mac);
  if (!constantTimeEqual(mac, wanted)) {
    plain.fill(0);
    throw new KeyError('key-block-mac', 'The key block was changed, or another key protects it');
  }
  const bits = ((plain[0] ?? 0) << 8) | (plain[1] ?? 0);
  const key = plain.slice(2, 2 + bits / 8);
  plain.fill(0);
  requireProtected(block, key);
  if (!AES_KEY_LENGTHS.some((length) => length * 8 === bits) || key.length * 8 !== bits)
    throw malformed(`a key of ${bits} bits`);
  return { header: headerOf(block), ...(label === undefined ? {} : { label }), key };
}

/** Versions B and C are for keys of triple DES: one of AES, or for HMAC, is no stronger than what it came under. */
function requireProtected(block: string, key: Uint8Array): void {
  const { algorithm } = headerOf(block);
  if (block.startsWith('D') || algorithm === 'T') return;
  key.fill(0);
  throw new KeyError(
    'key-block-strength',
    `A key of algorithm ${algorithm} under triple DES: it must come in version D`,
    {
      algorithm,
    },
  );
}

const headerOf = (block: string): KeyBlockHeader => ({
  keyUsage: block.slice(5, 7),
  algorithm: block.slice(7, 8),
  modeOfUse: block.slice(8, 9),
  versionNumber: block.slice(9, 11),
  exportability: block.slice(11, 12),
});

/** Where the optional blocks end, and the first label among them. */
function optionalOf(block: string): { readonly headerLength: number; readonly label: string | undefined } {
  if (block.length > MAX_BLOCK || !/^[\x20-\x7E]*$/.test(block)) throw malformed('too long, or not ASCII');
  if (!/^[BCD]\d{4}[0-9A-Z]{2}[0-9A-Z]{2}[0-9A-Za-z]{2}[ENS]\d{2}\d{2}/.test(block))
    throw malformed('not of version B, C or D');
  if (Number(block.slice(1, 5)) !== block.length) throw malformed('its length is another');
  let at = HEADER;
  let label: string | undefined;
  for (let left = Number(block.slice(12, 14)); left > 0; left -= 1) {
    const length = optionalLength(block, at + 2);
    if (length < 4 || at + length > block.length) throw malformed('an optional block passes its end');
    if (block.startsWith(LABEL.id, at)) label ??= block.slice(at + 4, at + length);
    at += length;
  }
  return { headerLength: at, label };
}

/** Two hex digits; `00` says how many bytes of length follow, in two digits each (X9.143). 0 for what is none. */
function optionalLength(block: string, at: number): number {
  const short = hexAt(block, at, 2);
  return short === 0 ? hexAt(block, at + 4, 2 * Math.min(hexAt(block, at + 2, 2), 2)) : short;
}

function hexAt(block: string, at: number, digits: number): number {
  const text = block.slice(at, at + digits);
  return digits > 0 && text.length === digits && /^[0-9A-Fa-f]+$/.test(text) ? Number.parseInt(text, 16) : 0;
}
