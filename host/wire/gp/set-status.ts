// SPDX-License-Identifier: Apache-2.0
import type { Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** What SET STATUS acts on (P1). @see GPCS 11.10.2.1 */
export const STATUS_TARGET = { CARD: 0x80, APPLICATION: 0x40, SECURITY_DOMAIN_AND_APPLICATIONS: 0x60 } as const;

/** SET STATUS: P2 is the new state. @see GPCS 11.10 */
export function setStatus(target: number, state: number, name?: Aid): GpCommand {
  return gpCommand({
    label: 'SET STATUS',
    cla: 0x80,
    ins: INS.SET_STATUS,
    p1: target,
    p2: state,
    data: name ?? new Uint8Array(),
  });
}
