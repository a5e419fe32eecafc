// SPDX-License-Identifier: Apache-2.0
import { type GpCommand, gpCommand, INS } from './command.ts';

/** PSO VERIFY CERTIFICATE, self-descriptive: `00 2A 00 BE`, data '7F21', chained. @see GPCS F.4.7 */
export function verifyCertificate(certificate: Uint8Array): GpCommand {
  const data = certificate;
  return gpCommand({
    label: 'PSO VERIFY CERTIFICATE',
    cla: 0x00,
    ins: INS.PERFORM_SECURITY_OPERATION,
    p1: 0x00,
    p2: 0xbe,
    data,
  });
}

/** PSO DECIPHER: `00 2A 80 84`, data one RSA block, chained. @see GPCS F.4.6 */
export function decipher(cryptogram: Uint8Array): GpCommand {
  const data = cryptogram;
  return gpCommand({ label: 'PSO DECIPHER', cla: 0x00, ins: INS.PERFORM_SECURITY_OPERATION, p1: 0x80, p2: 0x84, data });
}
