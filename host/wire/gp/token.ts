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

/** Values of length-value fields, of one to three length bytes. @throws WireError */
function lengthValues(data: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let at = 0; at < data.length; ) {
    const first = data[at] ?? 0;
    const more = first > 0x80 ? first - 0x80 : 0;
    const length = more === 0 ? first : data.slice(at + 1, at + 1 + more).reduce((sum, byte) => sum * 256 + byte, 0);
    const start = at + 1 + more;
    if (more > 2 || start + length > data.length)
      throw new WireError('lv-truncated', 'A field of INSTALL ends behind the command', { offset: at });
    values.push(data.slice(start, start + length));
    at = start + length;
  }
  return values;
}

/**
 * The command with 'B6', which says for whom a token is good and is signed with it: in the parameters of INSTALL,
 * behind the name in DELETE.
 *
 * @param names contents of 'B6': `[42 L IIN] [45 L CIN] [5F20 L application provider id] [93 L number]`
 * @throws UsageError for a command that takes no token
 * @see GPCS 2.3.1 11.1.7, C.4
 */
export function withTokenNames(command: GpCommand, names: Uint8Array): GpCommand {
  const before = fields(command);
  const object = encodeTlv(0xb6, names);
  if (command.ins === INS.DELETE) return { ...command, data: concat(before, object) };
  const values = lengthValues(before);
  const parameters = concat(values.pop() ?? new Uint8Array(), object);
  const data = [...values, parameters].flatMap((value) => [encodeLength(value.length), value]);
  return { ...command, data: concat(...data, Uint8Array.of(0)) };
}

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
