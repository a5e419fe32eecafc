// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** GET CHALLENGE. @see GPCS F.4.3 */
export const getChallenge = (): GpCommand =>
  gpCommand({ label: 'GET CHALLENGE', cla: 0x00, ins: INS.GET_CHALLENGE, p1: 0, p2: 0, le: true });

/** The card's challenge. @param length 16 for key transport, 8 for key agreement @throws WireError */
export function decodeChallenge(response: Uint8Array, length: number): Uint8Array {
  if (response.length !== length) {
    throw new WireError('challenge-length', 'Card challenge has another length', {
      expected: length,
      got: response.length,
    });
  }
  return response;
}
