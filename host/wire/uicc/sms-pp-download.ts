// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import type { CommandApdu } from '../apdu.ts';
import { encodeTlv } from '../ber-tlv.ts';
import {
  type ComprehensionTlv,
  decodeComprehensionTlvs,
  decodeTemplate,
  encodeComprehensionTlv,
} from './comprehension-tlv.ts';
import { decodeCatAddress, encodeCatAddress, type SmsAddress } from './sms-address.ts';

/** A short message on its way into the card. @see TS 31.111 7.1.1 */
export interface SmsPpDownload {
  /** Of the service centre; networks that have none leave it out. */
  readonly serviceCentre?: SmsAddress;
  /** An SMS-DELIVER. */
  readonly tpdu: Uint8Array;
}

const TEMPLATE = 0xd1;
const DEVICE_IDENTITIES = 0x02;
const ADDRESS = 0x06;
const SMS_TPDU = 0x0b;
const NETWORK = 0x83;
const CARD = 0x81;

/** `D1 L ‖ 82 02 83 81 ‖ [86 L address] ‖ 8B L TPDU`. @throws WireError */
export function encodeSmsPpDownload({ serviceCentre, tpdu }: SmsPpDownload): Uint8Array {
  const objects: ComprehensionTlv[] = [
    { tag: DEVICE_IDENTITIES, required: true, value: Uint8Array.of(NETWORK, CARD) },
    ...(serviceCentre === undefined
      ? []
      : [{ tag: ADDRESS, required: true, value: encodeCatAddress(serviceCentre) } as const]),
    { tag: SMS_TPDU, required: true, value: tpdu },
  ];
  return encodeTlv(TEMPLATE, ...objects.map(encodeComprehensionTlv));
}

/** @throws WireError when it is another envelope, or lacks the message */
export function decodeSmsPpDownload(bytes: Uint8Array): SmsPpDownload {
  const objects = decodeComprehensionTlvs(decodeTemplate(TEMPLATE, 'SMS-PP download', bytes));
  const find = (wanted: number) => objects.find(({ tag }) => tag === wanted)?.value;
  const [devices, address, tpdu] = [find(DEVICE_IDENTITIES), find(ADDRESS), find(SMS_TPDU)];
  if (devices?.length !== 2 || devices[0] !== NETWORK || devices[1] !== CARD)
    throw new WireError('envelope-devices', 'An SMS-PP download goes from the network to the card');
  if (tpdu === undefined) throw new WireError('envelope-tpdu', 'The SMS-PP download has no message');
  return { ...(address === undefined ? {} : { serviceCentre: decodeCatAddress(address) }), tpdu };
}

/** ENVELOPE, `80 C2 00 00 Lc data`. @see TS 102 221 11.2.2 */
export const envelope = (data: Uint8Array): CommandApdu => ({ cla: 0x80, ins: 0xc2, p1: 0, p2: 0, data });
