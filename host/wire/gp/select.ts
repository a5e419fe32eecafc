// SPDX-License-Identifier: Apache-2.0
import type { Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

export { decodeFci } from './fci.ts';

/** SELECT by name; without AID the issuer security domain. @see GPCS 11.9 */
export function select(name?: Aid, options: { readonly next?: boolean } = {}): GpCommand {
  const p2 = options.next === true ? 0x02 : 0x00;
  return gpCommand({
    label: name === undefined ? 'SELECT [default]' : 'SELECT',
    cla: 0x00,
    ins: INS.SELECT,
    p1: 0x04,
    p2,
    data: name ?? new Uint8Array(),
    le: true,
  });
}
