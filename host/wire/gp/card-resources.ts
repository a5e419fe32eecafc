// SPDX-License-Identifier: Apache-2.0
import { decodeTlvs, TlvReader } from '../ber-tlv.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** What a card has left. @see ETSI TS 102 226 8.2.1.7.2 */
export interface CardResources {
  readonly applications?: number;
  /** Bytes. */
  readonly persistent?: number;
  /** Bytes. */
  readonly volatile?: number;
}

const TAG = 0xff21;

/** GET DATA of the extended card resources; many cards have none. */
export const getCardResources = (): GpCommand =>
  gpCommand({ label: 'GET DATA [resources]', cla: 0x80, ins: INS.GET_DATA, p1: TAG >> 8, p2: TAG & 0xff, le: true });

/** `FF21 L { 81 applications, 82 persistent, 83 volatile }`. @throws WireError */
export function decodeCardResources(data: Uint8Array): CardResources {
  const objects = decodeTlvs(new TlvReader(data).expect(TAG));
  const number = (tag: number): number | undefined =>
    objects.find((object) => object.tag === tag)?.value.reduce((value, byte) => value * 256 + byte, 0);
  const [applications, persistent, volatile] = [number(0x81), number(0x82), number(0x83)];
  return {
    ...(applications === undefined ? {} : { applications }),
    ...(persistent === undefined ? {} : { persistent }),
    ...(volatile === undefined ? {} : { volatile }),
  };
}
