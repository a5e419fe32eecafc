// SPDX-License-Identifier: Apache-2.0
import { type GpCommand, gpCommand, INS } from './command.ts';

/** EXTERNAL AUTHENTICATE of SCP10: one RSA block, chained over 255 bytes. @see GPCS F.4.2 */
export function externalAuthenticate(block: Uint8Array): GpCommand {
  return gpCommand({
    label: 'EXTERNAL AUTHENTICATE',
    cla: 0x00,
    ins: INS.EXTERNAL_AUTHENTICATE,
    p1: 0,
    p2: 0,
    data: block,
  });
}
