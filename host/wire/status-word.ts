// SPDX-License-Identifier: Apache-2.0
import { StatusWordError, WireError } from '../errors.ts';
import type { Brand } from './brand.ts';

/** SW1 SW2 as one 16-bit number. */
export type StatusWord = Brand<number, 'StatusWord'>;

const sw = (value: number): StatusWord => value as StatusWord;

/** Every status word that the host names. @see GPCS 11.1.3 and the table of each command; ISO 7816-4 5.6 */
export const SW = {
  NO_ERROR: sw(0x9000),
  MORE_DATA_AVAILABLE: sw(0x6310),
  SELECTED_FILE_INVALIDATED: sw(0x6283),
  VERIFICATION_FAILED: sw(0x6300),
  NO_DIAGNOSIS: sw(0x6400),
  MEMORY_FAILURE: sw(0x6581),
  WRONG_LENGTH: sw(0x6700),
  CHANNEL_NOT_SUPPORTED: sw(0x6881),
  SECURE_MESSAGING_NOT_SUPPORTED: sw(0x6882),
  LAST_COMMAND_EXPECTED: sw(0x6883),
  CHAINING_NOT_SUPPORTED: sw(0x6884),
  SECURITY_STATUS_NOT_SATISFIED: sw(0x6982),
  CONDITIONS_NOT_SATISFIED: sw(0x6985),
  COMMAND_NOT_ALLOWED: sw(0x6986),
  SECURE_MESSAGING_MISSING: sw(0x6987),
  SECURE_MESSAGING_INCORRECT: sw(0x6988),
  SELECT_FAILED: sw(0x6999),
  WRONG_DATA: sw(0x6a80),
  FUNCTION_NOT_SUPPORTED: sw(0x6a81),
  NOT_FOUND: sw(0x6a82),
  NO_SPACE: sw(0x6a84),
  INCORRECT_P1P2: sw(0x6a86),
  REFERENCED_DATA_NOT_FOUND: sw(0x6a88),
  INS_NOT_SUPPORTED: sw(0x6d00),
  CLA_NOT_SUPPORTED: sw(0x6e00),
  UNKNOWN: sw(0x6f00),
  ALGORITHM_NOT_SUPPORTED: sw(0x9484),
  INVALID_KEY_CHECK_VALUE: sw(0x9485),
} as const;

const MEANINGS: ReadonlyMap<number, string> = new Map<number, string>([
  [SW.NO_ERROR, 'no error'],
  [SW.MORE_DATA_AVAILABLE, 'more data available'],
  [SW.SELECTED_FILE_INVALIDATED, 'card is locked'],
  [SW.VERIFICATION_FAILED, 'authentication or verification failed'],
  [SW.NO_DIAGNOSIS, 'no specific diagnosis'],
  [SW.MEMORY_FAILURE, 'memory failure'],
  [SW.WRONG_LENGTH, 'wrong length'],
  [SW.CHANNEL_NOT_SUPPORTED, 'logical channel not supported or not active'],
  [SW.SECURE_MESSAGING_NOT_SUPPORTED, 'secure messaging not supported'],
  [SW.LAST_COMMAND_EXPECTED, 'last command of the chain expected'],
  [SW.CHAINING_NOT_SUPPORTED, 'command chaining not supported'],
  [SW.SECURITY_STATUS_NOT_SATISFIED, 'security status not satisfied'],
  [SW.CONDITIONS_NOT_SATISFIED, 'conditions of use not satisfied'],
  [SW.COMMAND_NOT_ALLOWED, 'command not allowed'],
  [SW.SECURE_MESSAGING_MISSING, 'secure messaging objects missing'],
  [SW.SECURE_MESSAGING_INCORRECT, 'secure messaging objects incorrect'],
  [SW.SELECT_FAILED, 'applet selection failed'],
  [SW.WRONG_DATA, 'incorrect values in command data'],
  [SW.FUNCTION_NOT_SUPPORTED, 'function not supported, or the card is locked'],
  [SW.NOT_FOUND, 'application or file not found'],
  [SW.NO_SPACE, 'not enough memory space'],
  [SW.INCORRECT_P1P2, 'incorrect P1 P2'],
  [SW.REFERENCED_DATA_NOT_FOUND, 'referenced data not found'],
  [SW.INS_NOT_SUPPORTED, 'instruction not supported'],
  [SW.CLA_NOT_SUPPORTED, 'class not supported'],
  [SW.UNKNOWN, 'unknown error on the card'],
  [SW.ALGORITHM_NOT_SUPPORTED, 'algorithm not supported'],
  [SW.INVALID_KEY_CHECK_VALUE, 'invalid key check value'],
]);

/** What the status word means, in words for people. */
export function statusWordMeaning(value: number): string {
  const known = MEANINGS.get(value);
  if (known !== undefined) return known;
  const sw1 = value >> 8;
  if (sw1 === 0x61) return 'more response data waits';
  if (sw1 === 0x6c) return 'wrong Le';
  if (sw1 === 0x62 || sw1 === 0x63) return 'warning';
  return 'error without a name';
}

/** @throws WireError when out of 0..FFFF */
export function statusWord(value: number): StatusWord {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
    throw new WireError('status-word-range', 'A status word is two bytes', { got: value });
  }
  return value as StatusWord;
}

export function statusWordToHex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}

/** @throws WireError when not four hex digits */
export function statusWordFromHex(text: string): StatusWord {
  if (!/^[0-9A-Fa-f]{4}$/.test(text)) throw new WireError('status-word-malformed', 'Want four hex digits');
  return Number.parseInt(text, 16) as StatusWord;
}

/** 61xx: the low byte says how much waits, 0 for 256 or more. */
export const isMoreResponse = (value: number): boolean => value >> 8 === 0x61;
/** 6Cxx: the low byte is the right Le. */
export const isWrongLe = (value: number): boolean => value >> 8 === 0x6c;
/** 9000, 62xx and 63xx: what an R-MAC may protect (scp10.md section 6). */
export const isSuccessOrWarning = (value: number): boolean =>
  value === SW.NO_ERROR || value >> 8 === 0x62 || value >> 8 === 0x63;

/** @throws StatusWordError unless `value` is one of `accepted` */
export function requireStatusWord(value: StatusWord, command: string, accepted: readonly StatusWord[] = [SW.NO_ERROR]) {
  if (accepted.includes(value)) return;
  throw new StatusWordError(
    'status-word',
    `${command}: card answered ${statusWordToHex(value)}, ${statusWordMeaning(value)}`,
    {
      sw: statusWordToHex(value),
      command,
      meaning: statusWordMeaning(value),
    },
  );
}
