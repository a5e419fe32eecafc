// SPDX-License-Identifier: Apache-2.0
import { UsageError, WireError } from '../../errors.ts';
import { encodeLength, encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type GpCommand, INS } from './command.ts';

/**
 * Tokens of delegated management: a signature over the fields of one command, which goes behind them.
 *
 * @see GPCS 2.3.1 C.4
 */

/** Fields of the command, without the token and its length byte. */
function fields(command: GpCommand): Uint8Array {
  if (command.ins === INS.DELETE) return command.data;
  if (command.ins !== INS.INSTALL)
    throw new UsageError('token-command', `${command.label}: only INSTALL and DELETE take a token`);
  if (command.data.at(-1) !== 0) throw new WireError('token-twice', `${command.label} has a token already`);
  return command.data.slice(0, -1);
}

/** Lc of the fields: one byte, or 00 and two bytes over 255. @see GPCS 2.3.1 C.4.1 */
const lengthOf = (length: number): Uint8Array =>
  length <= 0xff ? Uint8Array.of(length) : Uint8Array.of(0, length >> 8, length & 0xff);

/** What a token signs: `P1 ‖ P2 ‖ Lc' ‖ fields`. @throws UsageError for a command that takes none */
export function tokenInput(command: GpCommand): Uint8Array {
  const signed = fields(command);
  return concat(Uint8Array.of(command.p1, command.p2), lengthOf(signed.length), signed);
}

/** The command with its token: behind the fields in INSTALL, as '9E' in DELETE. @throws UsageError */
export function withToken(command: GpCommand, token: Uint8Array): GpCommand {
  const before = fields(command);
  const last = command.ins === INS.DELETE ? encodeTlv(0x9e, token) : concat(encodeLength(token.length), token);
  return { ...command, data: concat(before, last) };
}
