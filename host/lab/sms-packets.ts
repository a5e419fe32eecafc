// SPDX-License-Identifier: Apache-2.0
import type { SmppMessage } from '../bearer/sms/smpp-pdu.ts';
import { countParts } from '../wire/uicc/concatenation.ts';
import { decodeUserDataHeader, findConcatenation } from '../wire/uicc/user-data-header.ts';

/** A packet that went over the radio network. */
export interface HeardPacket {
  readonly from: string;
  /** Of the packet itself: what it would be without the headers of its messages. */
  readonly bytes: number;
  readonly messages: number;
  /** Messages that a packet of these bytes takes at least. */
  readonly least: number;
}

/** The packets of messages that came in their order, none of them twice. */
export function packetsOf(heard: readonly SmppMessage[]): HeardPacket[] {
  const packets: HeardPacket[] = [];
  const open = new Map<string, { bytes: number; messages: number }>();
  for (const { source, destination, userData } of heard) {
    const { elements, body } = decodeUserDataHeader(userData);
    const place = findConcatenation(elements);
    const way = `${source} ${destination}`;
    const so = open.get(way) ?? { bytes: 0, messages: 0 };
    const { bytes, messages } = { bytes: so.bytes + body.length, messages: so.messages + 1 };
    open.set(way, { bytes, messages });
    if (place !== undefined && place.sequence < place.total) continue;
    open.delete(way);
    packets.push({ from: source, bytes, messages, least: countParts(bytes) });
  }
  return packets;
}

/** One line for each packet: what it takes and what its last message leaves free. */
export const packetLines = (heard: readonly SmppMessage[], server: string): string[] =>
  packetsOf(heard).map(({ from, bytes, messages, least }) => {
    const way = from === server ? 'to the card  ' : 'from the card';
    return `${way} ${String(bytes).padStart(5)} B in ${messages} messages, at least ${least}`;
  });
