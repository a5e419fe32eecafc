// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** Bytes of diversification data that lead each answer. */
export const DIVERSIFICATION_LENGTH = 10;

/**
 * INITIALIZE UPDATE: `80 50 KVN 00 Lc challenge 00`.
 *
 * @param challenge 8 bytes, 16 in the S16 mode of SCP03
 * @param keyVersion 0 is the card's first set
 * @see GPCS E.5.1; Amendment D 7.1.1
 */
export function initializeUpdate(challenge: Uint8Array, keyVersion = 0): GpCommand {
  const { INITIALIZE_UPDATE: ins } = INS;
  return gpCommand({ label: 'INITIALIZE UPDATE', cla: 0x80, ins, p1: keyVersion, p2: 0, data: challenge, le: true });
}

/**
 * EXTERNAL AUTHENTICATE with the C-MAC already behind the cryptogram: `84 82 level 00 Lc cryptogram mac`.
 *
 * @see GPCS E.5.2; Amendment D 7.1.2
 */
export function externalAuthenticateSymmetric(level: number, field: Uint8Array): GpCommand {
  const { EXTERNAL_AUTHENTICATE: ins } = INS;
  return gpCommand({ label: 'EXTERNAL AUTHENTICATE', cla: 0x84, ins, p1: level, p2: 0, data: field });
}

/** What every answer begins with: `diversification 10 ‖ KVN 1 ‖ protocol 1`. */
export interface KeyInformation {
  readonly diversification: Uint8Array;
  readonly keyVersion: number;
  /** 02 or 03. */
  readonly protocol: number;
}

export interface Scp02Update extends KeyInformation {
  /** 2 bytes. */
  readonly sequenceCounter: Uint8Array;
  /** 6 bytes. */
  readonly cardChallenge: Uint8Array;
  /** 8 bytes. */
  readonly cardCryptogram: Uint8Array;
}

export interface Scp03Update extends KeyInformation {
  /** "i". */
  readonly option: number;
  /** 8 bytes, 16 in S16. */
  readonly cardChallenge: Uint8Array;
  readonly cardCryptogram: Uint8Array;
  /** 3 bytes; there if and only if the challenge is pseudo-random. */
  readonly sequenceCounter?: Uint8Array;
}

const SCP03_OPTION = { PSEUDO_RANDOM: 0x10, S16: 0x01 } as const;

function keyInformation(data: Uint8Array): KeyInformation {
  const [keyVersion, protocol] = data.slice(DIVERSIFICATION_LENGTH);
  if (keyVersion === undefined || protocol === undefined) throw wrongLength(data.length);
  return { diversification: data.slice(0, DIVERSIFICATION_LENGTH), keyVersion, protocol };
}

function wrongLength(got: number): WireError {
  return new WireError('initialize-update', 'INITIALIZE UPDATE was answered with another number of bytes', { got });
}

/** Protocol that the answer speaks, before it is read as that. @throws WireError when it is too short */
export const protocolOf = (data: Uint8Array): number => keyInformation(data).protocol;

/** `diversification 10 ‖ KVN ‖ 02 ‖ counter 2 ‖ challenge 6 ‖ cryptogram 8`. @throws WireError */
export function decodeScp02Update(data: Uint8Array): Scp02Update {
  const information = keyInformation(data);
  if (information.protocol !== 0x02) throw anotherProtocol(information.protocol, 0x02);
  if (data.length !== 28) throw wrongLength(data.length);
  return {
    ...information,
    sequenceCounter: data.slice(12, 14),
    cardChallenge: data.slice(14, 20),
    cardCryptogram: data.slice(20, 28),
  };
}

/**
 * `diversification 10 ‖ KVN ‖ 03 ‖ i ‖ challenge 8|16 ‖ cryptogram 8|16 [‖ counter 3]`.
 *
 * @throws WireError also when the length does not go with `i`
 */
export function decodeScp03Update(data: Uint8Array): Scp03Update {
  const information = keyInformation(data);
  if (information.protocol !== 0x03) throw anotherProtocol(information.protocol, 0x03);
  const option = data[12] ?? 0;
  const size = (option & SCP03_OPTION.S16) === 0 ? 8 : 16;
  const counterLength = (option & SCP03_OPTION.PSEUDO_RANDOM) === 0 ? 0 : 3;
  const counterAt = 13 + 2 * size;
  if (data.length !== counterAt + counterLength) throw wrongLength(data.length);
  return {
    ...information,
    option,
    cardChallenge: data.slice(13, 13 + size),
    cardCryptogram: data.slice(13 + size, counterAt),
    ...(counterLength === 0 ? {} : { sequenceCounter: data.slice(counterAt) }),
  };
}

function anotherProtocol(got: number, expected: number): WireError {
  return new WireError('protocol', 'The card answered for another secure channel protocol: choose that one', {
    expected,
    got,
  });
}
