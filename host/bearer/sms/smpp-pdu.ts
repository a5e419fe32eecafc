// SPDX-License-Identifier: Apache-2.0
import { PDU, type Pdu } from 'smpp';
import { commands, tlvs } from 'smpp/lib/defs.js';
import { WireError } from '../../errors.ts';

/**
 * Short messages in the PDUs of SMPP. The package would take user data for text and cut up its header; here they stay
 * bytes, as they came.
 *
 * @see SMPP 3.4, 4.4, 4.6, 5.2
 */

for (const { params } of Object.values(commands)) {
  for (const name of ['short_message', 'validity_period', 'schedule_delivery_time']) delete params?.[name]?.filter;
}
delete tlvs.message_payload?.filter;
/** A message of 64 KiB in its TLV is none of ours. */
PDU.maxLength = 4_096;

/** command_status. @see SMPP 3.4, 5.1.3 */
export const SMPP_STATUS = {
  OK: 0x00,
  INVALID_COMMAND: 0x03,
  INVALID_BIND_STATUS: 0x04,
  ALREADY_BOUND: 0x05,
  SYSTEM_ERROR: 0x08,
  INVALID_DESTINATION: 0x0b,
  BIND_FAILED: 0x0d,
  INVALID_PASSWORD: 0x0e,
  INVALID_SYSTEM_ID: 0x0f,
  QUEUE_FULL: 0x14,
  THROTTLED: 0x58,
  /** The receiver could not take it now, or never will. */
  TEMPORARY: 0x64,
  PERMANENT: 0x65,
} as const;

/** esm_class: features and type of a message. @see SMPP 3.4, 5.2.12 */
export const ESM = {
  STORE_AND_FORWARD: 0x03,
  TYPE_MASK: 0x3c,
  /** To the ESME: what became of its message. */
  DELIVERY_RECEIPT: 0x04,
  /** What the card said in its deliver report. */
  ACKNOWLEDGEMENT: 0x08,
  HEADER: 0x40,
} as const;

/** One short message as SMPP carries it. */
export interface SmppMessage {
  /** International numbers without `+`, or a short code. */
  readonly source: string;
  readonly destination: string;
  readonly esmClass: number;
  readonly pid: number;
  readonly dcs: number;
  /** User data with its header, at most 254 bytes; 3,600 where an SMSC has joined its parts. */
  readonly userData: Uint8Array;
  /** `YYMMDDhhmmsstnnp`; empty for the SMSC's own. @see SMPP 3.4, 7.1.1 */
  readonly validityPeriod?: string;
  /** registered_delivery: 01 a receipt, 04 an acknowledgement of the receiver. */
  readonly registeredDelivery?: number;
  /** priority_flag, 0 to 3. */
  readonly priority?: number;
  /** Message that a receipt or an acknowledgement is about, as the SMSC has named it. */
  readonly messageId?: string;
  /** message_state of a receipt: 2 delivered. @see SMPP 3.4, 5.2.28 */
  readonly messageState?: number;
}

export const MESSAGE_STATE = { ENROUTE: 1, DELIVERED: 2, EXPIRED: 3, UNDELIVERABLE: 5, REJECTED: 8 } as const;

const MAX_USER_DATA = 254;
/** Of a message in its TLV: what an SMSC has joined of the most parts that a card sends. */
const MAX_PAYLOAD = 3_600;
const WIDE_CONCATENATION = 0x08;
const REFERENCE_BYTES = 2;
const MAX_ADDRESS = 20;
const MAX_ID = 64;
const INTERNATIONAL = 1;
const UNKNOWN = 0;
const ISDN = 1;
/** Numbers shorter than this are codes of the network. */
const SHORTEST_INTERNATIONAL = 7;
/** Empty where an SMSC sends a receipt in nobody's name. */
const ADDRESS = /^[0-9A-Za-z*#+]{0,20}$/;

const typeOf = (address: string): number => (address.length >= SHORTEST_INTERNATIONAL ? INTERNATIONAL : UNKNOWN);

/** Fields of submit_sm or deliver_sm. @throws WireError */
export function fieldsOf(message: SmppMessage): Record<string, unknown> {
  const { source, destination, userData, messageId, messageState } = message;
  if (userData.length > MAX_USER_DATA)
    throw new WireError('smpp-user-data', `short_message has at most ${MAX_USER_DATA} bytes`, { got: userData.length });
  return {
    source_addr_ton: typeOf(source),
    source_addr_npi: ISDN,
    source_addr: source,
    dest_addr_ton: typeOf(destination),
    dest_addr_npi: ISDN,
    destination_addr: destination,
    esm_class: message.esmClass,
    protocol_id: message.pid,
    data_coding: message.dcs,
    priority_flag: message.priority ?? 0,
    validity_period: message.validityPeriod ?? '',
    registered_delivery: message.registeredDelivery ?? 0,
    short_message: Buffer.from(userData),
    ...(messageId === undefined ? {} : { receipted_message_id: messageId }),
    ...(messageState === undefined ? {} : { message_state: messageState }),
  };
}

function textOf(pdu: Pdu, field: string, longest: number): string {
  const value = pdu[field];
  if (typeof value === 'string' && value.length <= longest) return value;
  throw new WireError('smpp-field', `${field} is not a text of at most ${longest} characters`);
}

/** 0 where the command has no such field, as data_sm. */
function byteOf(pdu: Pdu, field: string): number {
  const value = pdu[field] ?? 0;
  if (typeof value === 'number' && value >= 0 && value <= 0xff) return value;
  throw new WireError('smpp-field', `${field} is not a byte`);
}

function addressOf(pdu: Pdu, field: string): string {
  const value = textOf(pdu, field, MAX_ADDRESS);
  if (ADDRESS.test(value)) return value.replace(/^(?:\+|00)/, '');
  throw new WireError('smpp-field', `${field} is not an address`);
}

/** In short_message, or in the TLV in its place. */
function userDataOf({ short_message: short, message_payload: payload }: Pdu): Buffer {
  const inPlace = Buffer.isBuffer(short) && short.length > 0 ? short : undefined;
  const userData = inPlace ?? (Buffer.isBuffer(payload) ? payload : short);
  if (Buffer.isBuffer(userData) && userData.length <= (userData === payload ? MAX_PAYLOAD : MAX_USER_DATA))
    return userData;
  throw new WireError('smpp-user-data', `A message has at most ${MAX_USER_DATA} bytes, in its TLV ${MAX_PAYLOAD}`);
}

/**
 * Some SMSCs take the place of a part out of its header and say it in TLVs: here it stands in the header again.
 *
 * @see SMPP 3.4, 5.3.2.22 to 24; TS 23.040 9.2.3.24.8
 */
function withPlace(pdu: Pdu, esmClass: number, userData: Buffer): { esmClass: number; userData: Uint8Array } {
  const { sar_msg_ref_num: reference, sar_total_segments: total, sar_segment_seqnum: sequence } = pdu;
  if (typeof reference !== 'number' || typeof total !== 'number' || typeof sequence !== 'number' || total < 2)
    return { esmClass, userData: new Uint8Array(userData) };
  const hasHeader = (esmClass & ESM.HEADER) !== 0 && userData.length > 0;
  const headerEnd = hasHeader ? 1 + (userData[0] ?? 0) : 0;
  const elements = userData.subarray(hasHeader ? 1 : 0, headerEnd);
  const place = [WIDE_CONCATENATION, REFERENCE_BYTES + 2, (reference >> 8) & 0xff, reference & 0xff, total, sequence];
  const whole = [place.length + elements.length, ...place, ...elements, ...userData.subarray(headerEnd)];
  return { esmClass: esmClass | ESM.HEADER, userData: Uint8Array.from(whole) };
}

/** @throws WireError when a field is missing or out of range */
export function messageOf(pdu: Pdu): SmppMessage {
  const state = 'message_state' in pdu ? byteOf(pdu, 'message_state') : undefined;
  const id = 'receipted_message_id' in pdu ? textOf(pdu, 'receipted_message_id', MAX_ID) : undefined;
  const { esmClass, userData } = withPlace(pdu, byteOf(pdu, 'esm_class'), userDataOf(pdu));
  // Only a receipt tells of both; some SMSCs do not say in esm_class that it is one.
  const isPlain = (esmClass & (ESM.TYPE_MASK | ESM.HEADER)) === 0;
  const receipt = isPlain && id !== undefined && state !== undefined ? ESM.DELIVERY_RECEIPT : 0;
  return {
    source: addressOf(pdu, 'source_addr'),
    destination: addressOf(pdu, 'destination_addr'),
    esmClass: esmClass | receipt,
    userData,
    pid: byteOf(pdu, 'protocol_id'),
    dcs: byteOf(pdu, 'data_coding'),
    registeredDelivery: byteOf(pdu, 'registered_delivery'),
    priority: byteOf(pdu, 'priority_flag'),
    validityPeriod: pdu.validity_period === undefined ? '' : textOf(pdu, 'validity_period', 17),
    ...(id === undefined ? {} : { messageId: id }),
    ...(state === undefined ? {} : { messageState: state }),
  };
}

/** Id that the SMSC gave; the empty text where it gave none. @throws WireError */
export const messageIdOf = (pdu: Pdu): string =>
  pdu.message_id === undefined ? '' : textOf(pdu, 'message_id', MAX_ID);

/**
 * An id as other SMSCs' receipts write it: the same number in hex in submit_sm_resp and decimal in the receipt, or the
 * other way round, with zeros in front or without.
 *
 * @see SMPP 3.4, 5.3.2.12 and appendix B
 */
export function idForms(id: string): readonly string[] {
  const plain = id.replace(/^0+(?=.)/, '');
  const forms = new Set([id, plain]);
  const add = (number: bigint, base: 10 | 16) => {
    const text = number.toString(base);
    for (const one of [text, text.toUpperCase(), text.padStart(8, '0'), text.toUpperCase().padStart(8, '0')])
      forms.add(one);
  };
  if (/^[0-9]{1,20}$/.test(plain)) add(BigInt(plain), 16);
  if (/^[0-9A-Fa-f]{1,16}$/.test(plain)) {
    add(BigInt(`0x${plain}`), 10);
    add(BigInt(`0x${plain}`), 16);
  }
  return [...forms];
}

const MAX_DAYS = 99;

/** A time from now, rounded up to whole seconds: `0000DDhhmmss000R`. @see SMPP 3.4, 7.1.1.2 */
export function relativeTime(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  const days = Math.min(MAX_DAYS, Math.floor(seconds / 86_400));
  const parts = [0, 0, days, Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  return `${parts.map((part) => String(part).padStart(2, '0')).join('')}000R`;
}

/** Milliseconds of a relative time; undefined for an absolute or malformed one. */
export function relativeMs(text: string): number | undefined {
  const parts = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d{3}R$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [years = 0, months = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts;
  return ((((years * 365 + months * 30 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
}
