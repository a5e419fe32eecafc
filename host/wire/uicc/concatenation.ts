// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat, sameBytes } from '../hex.ts';
import { MAX_USER_DATA } from './sms-tpdu.ts';
import {
  decodeUserDataHeader,
  ELEMENT,
  encodeConcatenation,
  encodeUserDataHeader,
  findConcatenation,
} from './user-data-header.ts';

export type PacketKind = typeof ELEMENT.COMMAND_PACKET | typeof ELEMENT.RESPONSE_PACKET;

const NO_DATA = new Uint8Array();
/** `UDHL 00 03 ref total seq`, and the two bytes `70 00` that only the first part has. */
const CONCATENATION_BYTES = 6;
const PACKET_ELEMENT_BYTES = 2;

/** Messages that a packet of this length takes: one up to 137 bytes, then 132 in the first and 134 in each other. */
export function countParts(packetBytes: number): number {
  if (packetBytes <= MAX_USER_DATA - 1 - PACKET_ELEMENT_BYTES) return 1;
  return Math.ceil((packetBytes + PACKET_ELEMENT_BYTES) / (MAX_USER_DATA - CONCATENATION_BYTES));
}

/**
 * User data of the messages that carry a packet, each with its header; the packet's own element is in the first only.
 *
 * @param reference 0 to 255, another one for each packet to the same card
 * @throws WireError when the packet takes more than 255 messages
 * @see TS 31.115 4
 */
export function splitPacket(kind: PacketKind, packet: Uint8Array, reference: number): Uint8Array[] {
  const total = countParts(packet.length);
  const packetElement = { id: kind, data: NO_DATA };
  if (total === 1) return [concat(encodeUserDataHeader([packetElement]), packet)];
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < packet.length; ) {
    const place = encodeConcatenation({ reference, wide: false, total, sequence: parts.length + 1 });
    const header = encodeUserDataHeader(parts.length === 0 ? [place, packetElement] : [place]);
    const end = offset + MAX_USER_DATA - header.length;
    parts.push(concat(header, packet.slice(offset, end)));
    offset = end;
  }
  return parts;
}

interface OpenMessage {
  readonly total: number;
  readonly parts: Map<number, Uint8Array>;
}

/** A packet that came whole, with the kind that its first part announced; undefined for another sort of message. */
export interface JoinedMessage {
  readonly kind: PacketKind | undefined;
  readonly body: Uint8Array;
}

function kindOf(first: ReturnType<typeof decodeUserDataHeader>): PacketKind | undefined {
  const ids = first.elements.map(({ id }) => id);
  if (ids.includes(ELEMENT.COMMAND_PACKET)) return ELEMENT.COMMAND_PACKET;
  return ids.includes(ELEMENT.RESPONSE_PACKET) ? ELEMENT.RESPONSE_PACKET : undefined;
}

/**
 * Joins the parts of long messages, which may come in any order and twice. At most `limit` messages are open; the
 * oldest goes when one more begins. Parts that never come cost nothing else: there is no clock here.
 */
export class Joiner {
  readonly #open = new Map<string, OpenMessage>();
  readonly #limit: number;

  constructor(limit = 16) {
    this.#limit = limit;
  }

  /** Messages of which parts are missing. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * @param sender tells the messages of one sender from those of another
   * @param userData of the message, header included
   * @returns the whole when no part is missing
   * @throws WireError when the header is malformed, or a part contradicts one that came before: the message is dropped
   */
  add(sender: string, userData: Uint8Array): JoinedMessage | undefined {
    const received = decodeUserDataHeader(userData);
    const place = findConcatenation(received.elements);
    if (place === undefined) return { kind: kindOf(received), body: received.body };
    const key = `${place.wide ? 'w' : 'n'}${place.reference}/${sender}`;
    const message = this.#messageFor(key, place.total);
    const before = message.parts.get(place.sequence);
    if (message.total !== place.total || (before !== undefined && !sameBytes(before, userData))) {
      this.#open.delete(key);
      throw new WireError('sms-parts', 'A part contradicts one that came before under this reference', {
        reference: place.reference,
        sequence: place.sequence,
      });
    }
    message.parts.set(place.sequence, userData);
    if (message.parts.size < message.total) return undefined;
    this.#open.delete(key);
    const ordered = [...message.parts].sort(([a], [b]) => a - b).map(([, part]) => decodeUserDataHeader(part));
    const [first = received] = ordered;
    return { kind: kindOf(first), body: concat(...ordered.map(({ body }) => body)) };
  }

  #messageFor(key: string, total: number): OpenMessage {
    const found = this.#open.get(key);
    if (found !== undefined) return found;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= this.#limit) this.#open.delete(oldest);
    const message: OpenMessage = { total, parts: new Map() };
    this.#open.set(key, message);
    return message;
  }
}
