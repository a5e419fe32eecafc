// SPDX-License-Identifier: Apache-2.0
import { UnacceptableError, WireError } from '../../errors.ts';
import { type CommandApdu, decodeCommand } from '../../wire/apdu.ts';
import { fromHex } from '../../wire/hex.ts';

/** Bytes of a short command at most. */
const MAX_APDU = 261;

/**
 * What a caller's bytes are read to: such that cannot be read are its own fault, not that of a card or a peer.
 *
 * @throws UnacceptableError `apdu-malformed`
 */
export function fromCaller<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UnacceptableError('apdu-malformed', error.message, error.context);
  }
}

/** Reads a short command APDU. @throws WireError */
export const commandOf = (hex: string): CommandApdu => decodeCommand(fromHex(hex, MAX_APDU));
