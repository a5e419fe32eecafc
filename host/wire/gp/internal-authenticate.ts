// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** Length of the identities that stand for certificates (key-distribution.md section 7 row 3). */
export const IDENTITY_LENGTH = 8;

/** INTERNAL AUTHENTICATE of SCP10: `challenge ‖ 8-byte identity of the off-card entity`. @see GPCS F.4.4 */
export function internalAuthenticate(challenge: Uint8Array, identity: Uint8Array): GpCommand {
  if (identity.length !== IDENTITY_LENGTH)
    throw new WireError('identity-length', 'Identity is 8 bytes', { got: identity.length });
  const data = concat(challenge, identity);
  return gpCommand({
    label: 'INTERNAL AUTHENTICATE',
    cla: 0x00,
    ins: INS.INTERNAL_AUTHENTICATE,
    p1: 0,
    p2: 0,
    data,
    le: true,
  });
}

/** The 8-byte identity of a holder: the last bytes of the CHR. */
export const holderIdentity = (holderReference: Uint8Array): Uint8Array => holderReference.slice(-IDENTITY_LENGTH);
