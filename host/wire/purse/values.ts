// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { fromHex, toHex } from '../hex.ts';

/** Values of the purse: amounts in cents, terminals, dates, and the bytes that its MACs are made over. */

/** Which of the two accounts; P2 of its commands. */
export const ACCOUNT = { deposit: 0x01, purse: 0x02 } as const;
export type Account = keyof typeof ACCOUNT;

/** Type byte of a transaction. */
export const TRANSACTION = {
  loadDeposit: 0x01,
  loadPurse: 0x02,
  unload: 0x03,
  purchaseDeposit: 0x05,
  purchasePurse: 0x06,
  limit: 0x07,
  purchaseCompound: 0x09,
} as const;

/** Kinds of a purse's keys, as personalisation numbers them. */
export const PURSE_KEY = { load: 0x01, purchase: 0x02, tac: 0x03, unload: 0x04, update: 0x05 } as const;
export type PurseKeyKind = keyof typeof PURSE_KEY;

/** Algorithm byte of responses and of install(); cards of others name triple DES 00 or 01. */
export const PURSE_ALGORITHM = { '3des': 0x01, aes: 0xa1 } as const;
export type PurseAlgorithm = keyof typeof PURSE_ALGORITHM;

export const MAX_AMOUNT = 0xffff_ffff;
export const AMOUNT_LENGTH = 4;
export const TERMINAL_LENGTH = 6;
export const MAC_LENGTH = 4;

/** Four bytes, big-endian. @param cents 0 to 4294967295 @throws WireError */
export function encodeAmount(cents: number): Uint8Array {
  if (!Number.isInteger(cents) || cents < 0 || cents > MAX_AMOUNT)
    throw new WireError('amount', 'An amount is a whole number of cents in four bytes', { got: cents });
  return fromHex(
    cents
      .toString(16)
      .toUpperCase()
      .padStart(2 * AMOUNT_LENGTH, '0'),
    AMOUNT_LENGTH,
  );
}

export const decodeAmount = (bytes: Uint8Array): number => Number.parseInt(toHex(bytes), 16);

/** Two bytes, big-endian. @param value 0 to 65535 @throws WireError */
export function encodeCounter(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw new WireError('counter', 'A counter of the purse has two bytes', { got: value });
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** `YYYYMMDDhhmmss` in UTC, as seven bytes of digits. */
export function encodeDateTime(digits: string): Uint8Array {
  if (!/^\d{14}$/.test(digits)) throw new WireError('date-time', 'Want YYYYMMDDhhmmss', { got: digits });
  return fromHex(digits, 7);
}

export const dateTimeOf = (date: Date): string => date.toISOString().replaceAll(/\D/g, '').slice(0, 14);

/** Six bytes of hex. @throws WireError */
export function encodeTerminal(terminal: string): Uint8Array {
  const bytes = fromHex(terminal, TERMINAL_LENGTH);
  if (bytes.length !== TERMINAL_LENGTH) throw new WireError('terminal-id', 'A terminal id has six bytes');
  return bytes;
}
