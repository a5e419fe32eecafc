// SPDX-License-Identifier: Apache-2.0
import { encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import type { Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** DELETE [card content]: `4F L AID`; `related` takes what belongs to it along. @see GPCS 11.2 */
export function deleteObject(name: Aid, options: { readonly related?: boolean } = {}): GpCommand {
  const p2 = options.related === true ? 0x80 : 0x00;
  return gpCommand({
    label: 'DELETE',
    cla: 0x80,
    ins: INS.DELETE,
    p1: 0x00,
    p2,
    data: encodeTlv(0x4f, name),
    le: true,
  });
}

/**
 * DELETE [key]: `[D0 01 KID] [D2 01 KVN]`; what is left out matches all.
 *
 * @see GPCS 11.2.2.3.2
 */
export function deleteKey(key: { readonly kvn?: number; readonly kid?: number }): GpCommand {
  const part = (tag: number, value: number | undefined): Uint8Array =>
    value === undefined ? new Uint8Array() : encodeTlv(tag, Uint8Array.of(value));
  const data = concat(part(0xd0, key.kid), part(0xd2, key.kvn));
  return gpCommand({ label: 'DELETE [key]', cla: 0x80, ins: INS.DELETE, p1: 0x00, p2: 0x00, data, le: true });
}
