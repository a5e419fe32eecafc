// SPDX-License-Identifier: Apache-2.0
import { decodeSingle, tagToHex } from '../ber-tlv.ts';
import { fromHex } from '../hex.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** Data objects that security domains give. @see GPCS 11.3, Table 11-24; applet README 5.4 */
export const DATA_OBJECT = {
  ISSUER_IDENTIFICATION_NUMBER: 0x42,
  CARD_IMAGE_NUMBER: 0x45,
  CARD_DATA: 0x66,
  CARD_CAPABILITIES: 0x67,
  KEY_INFORMATION: 0xe0,
  CURRENT_SECURITY_LEVEL: 0xd3,
  CERTIFICATE: 0x7f21,
  CARD_PRODUCTION_LIFE_CYCLE: 0x9f7f,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x42, 'IIN'],
  [0x45, 'CIN'],
  [0x66, 'card data'],
  [0x67, 'card capabilities'],
  [0xe0, 'key information'],
  [0xd3, 'security level'],
  [0x7f21, 'certificate'],
  [0x9f7f, 'CPLC'],
]);

/** GET DATA with CLA 80: the response is the whole data object. @see GPCS 11.3 */
export function getData(tag: number): GpCommand {
  const label = `GET DATA [${NAMES.get(tag) ?? tagToHex(tag)}]`;
  return gpCommand({ label, cla: 0x80, ins: INS.GET_DATA, p1: tag >> 8, p2: tag & 0xff, le: true });
}

/** GET DATA for EF.OD (id 5031). @see GPCS F.4.3 */
export function getObjectDirectory(): GpCommand {
  return gpCommand({
    label: 'GET DATA [EF.OD]',
    cla: 0x00,
    ins: INS.GET_DATA_FILE,
    p1: 0x50,
    p2: 0x31,
    data: fromHex('5C00'),
    le: true,
  });
}

/** Value of the one data object that GET DATA answered. @throws WireError when it is another one */
export const decodeDataObject = (tag: number, response: Uint8Array): Uint8Array => decodeSingle(tag, response);
