import { type GpCommand, gpCommand, INS } from './command.ts';

/** STORE DATA, last block, BER-TLV (P1 90). Longer data is cut into blocks when it is sent. @see GPCS 11.11 */
export function storeData(label: string, dataObjects: Uint8Array): GpCommand {
  return gpCommand({
    label: `STORE DATA [${label}]`,
    cla: 0x80,
    ins: INS.STORE_DATA,
    p1: 0x90,
    p2: 0x00,
    data: dataObjects,
  });
}

/** STORE DATA of CERT.SD.AUT ('7F21'). */
export const storeCertificate = (certificate: Uint8Array): GpCommand => storeData('certificate', certificate);
