// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError } from '../../errors.ts';
import { RESPONSE_STATUS } from '../../wire/uicc/response-status.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import type { CounterMode } from '../../wire/uicc/security-parameters-indicator.ts';

/** What the receiver does after the checksum held: take the packet and store this counter, or answer this status. */
export type CounterVerdict =
  | { readonly accepted: true; readonly stored: number }
  | { readonly accepted: false; readonly status: number };

/**
 * The receiver's rule. Ask only after the checksum was found right, and store before the command runs.
 *
 * @param stored counter of the last packet that was taken; MAX_COUNTER blocks the key set until its keys change
 * @see TS 102 225 5.1.4
 */
export function judgeCounter(mode: CounterMode, stored: number, received: number): CounterVerdict {
  if (mode === 'ignored' || mode === 'unchecked') return { accepted: true, stored };
  if (stored >= MAX_COUNTER) return { accepted: false, status: RESPONSE_STATUS.COUNTER_BLOCKED };
  if (received <= stored) return { accepted: false, status: RESPONSE_STATUS.COUNTER_LOW };
  if (mode === 'next' && received !== stored + 1) return { accepted: false, status: RESPONSE_STATUS.COUNTER_HIGH };
  return { accepted: true, stored: received };
}

/**
 * The sender's rule: one more for each packet. Store it before the packet leaves; what goes again is the same bytes.
 *
 * @throws SecureChannelError when the counter is used up
 */
export function raiseCounter(last: number): number {
  if (last < MAX_COUNTER) return last + 1;
  throw new SecureChannelError('counter-exhausted', 'The counter of this key set is used up: put new keys on the card');
}
