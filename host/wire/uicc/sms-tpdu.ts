// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import { encodeTpAddress, readTpAddress, type SmsAddress } from './sms-address.ts';

/** Protocol identifier of a message for the card, and coding scheme of 8-bit data of class 2. @see TS 23.040 9.2.3.9 */
export const PID_USIM_DATA_DOWNLOAD = 0x7f;
export const DCS_8_BIT_CLASS_2 = 0xf6;
/** Bytes of one message's user data, its header included. */
export const MAX_USER_DATA = 140;

const DELIVER = 0x00;
const SUBMIT = 0x01;
const TYPE_MASK = 0x03;
const HEADER_INDICATOR = 0x40;
const NO_MORE_MESSAGES = 0x04;
const STATUS_REPORT = 0x20;
const REPLY_PATH = 0x80;
const REJECT_DUPLICATES = 0x04;
const VALIDITY_MASK = 0x18;
/** Bytes of TP-VP by its format: none, enhanced, relative, absolute. @see TS 23.040 9.2.3.3 */
const VALIDITY_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x08, 7],
  [0x10, 1],
  [0x18, 7],
]);
const TIME_STAMP_BYTES = 7;
/** Lengths of compressed text count bytes, whatever its characters. @see TS 23.040 9.2.3.16 */
const COMPRESSED = 0x20;

interface UserData {
  readonly pid: number;
  readonly dcs: number;
  /** The user data begins with a header. */
  readonly hasHeader: boolean;
  /** As it travels, header included, 0 to 140 bytes. */
  readonly userData: Uint8Array;
  /** Length in septets, where DCS says 7-bit characters; else absent. */
  readonly septets?: number;
}

/** From the service centre to a card. @see TS 23.040 9.2.2.1 */
export interface SmsDeliver extends UserData {
  readonly originator: SmsAddress;
  /** TP-SCTS, 7 bytes of swapped BCD. */
  readonly timeStamp: Uint8Array;
  readonly moreMessages: boolean;
  readonly statusReport: boolean;
  readonly replyPath: boolean;
}

/** From a card to the service centre. @see TS 23.040 9.2.2.2 */
export interface SmsSubmit extends UserData {
  readonly destination: SmsAddress;
  /** TP-MR, 0 to 255; a card leaves it to the handset. */
  readonly reference: number;
  readonly validity: { readonly format: 'none' | 'relative' | 'enhanced' | 'absolute'; readonly value: Uint8Array };
  readonly rejectDuplicates: boolean;
  readonly statusReport: boolean;
  readonly replyPath: boolean;
}

const FORMATS = ['none', 'enhanced', 'relative', 'absolute'] as const;

/**
 * The coding scheme means characters of 7 bits, so that lengths count septets. Reserved ones count as such:
 * TS 23.038 4 has a receiver take an unknown scheme for the default alphabet.
 */
export function isSevenBit(dcs: number): boolean {
  if (dcs < 0x80) return (dcs & COMPRESSED) === 0 && ((dcs & 0x0c) === 0 || (dcs & 0x0c) === 0x0c);
  if (dcs >> 4 === 0xf) return (dcs & 0x04) === 0;
  return dcs >> 4 !== 0xe;
}

function encodeUserData({ dcs, userData, septets }: UserData): Uint8Array {
  const length = isSevenBit(dcs) ? septets : userData.length;
  if (length === undefined || (isSevenBit(dcs) && Math.ceil((length * 7) / 8) !== userData.length))
    throw new WireError('sms-user-data', 'The count of septets does not fit the user data', { got: septets });
  if (userData.length > MAX_USER_DATA)
    throw new WireError('sms-too-long', 'User data has at most 140 bytes: concatenate', { got: userData.length });
  return concat(encodeNumber(length, 1), userData);
}

function readUserData(reader: ByteReader, dcs: number): Pick<UserData, 'userData' | 'septets'> {
  const length = reader.number(1);
  const bytes = isSevenBit(dcs) ? Math.ceil((length * 7) / 8) : length;
  if (bytes > MAX_USER_DATA) throw new WireError('sms-too-long', 'User data has at most 140 bytes', { got: bytes });
  const userData = reader.take(bytes);
  reader.end();
  return isSevenBit(dcs) ? { userData, septets: length } : { userData };
}

const flag = (set: boolean, bit: number): number => (set ? bit : 0);

/** `first octet ‖ TP-OA ‖ PID ‖ DCS ‖ SCTS(7) ‖ UDL ‖ UD`. @throws WireError */
export function encodeSmsDeliver(message: SmsDeliver): Uint8Array {
  const { timeStamp, pid, dcs } = message;
  if (timeStamp.length !== TIME_STAMP_BYTES)
    throw new WireError('sms-time-stamp', 'TP-SCTS has 7 bytes', { got: timeStamp.length });
  const first =
    DELIVER |
    flag(!message.moreMessages, NO_MORE_MESSAGES) |
    flag(message.statusReport, STATUS_REPORT) |
    flag(message.hasHeader, HEADER_INDICATOR) |
    flag(message.replyPath, REPLY_PATH);
  const fixed = concat(encodeNumber(pid, 1), encodeNumber(dcs, 1), timeStamp);
  return concat(Uint8Array.of(first), encodeTpAddress(message.originator), fixed, encodeUserData(message));
}

/** @throws WireError when it is another kind of message or malformed */
export function decodeSmsDeliver(bytes: Uint8Array): SmsDeliver {
  const reader = new ByteReader(bytes, 'SMS-DELIVER');
  const first = readFirst(reader, DELIVER, 'SMS-DELIVER');
  const originator = readTpAddress(reader);
  const [pid, dcs] = [reader.number(1), reader.number(1)];
  const timeStamp = reader.take(TIME_STAMP_BYTES);
  return {
    originator,
    pid,
    dcs,
    timeStamp,
    ...readUserData(reader, dcs),
    moreMessages: (first & NO_MORE_MESSAGES) === 0,
    statusReport: (first & STATUS_REPORT) !== 0,
    hasHeader: (first & HEADER_INDICATOR) !== 0,
    replyPath: (first & REPLY_PATH) !== 0,
  };
}

/** `first octet ‖ MR ‖ TP-DA ‖ PID ‖ DCS ‖ VP(0, 1 or 7) ‖ UDL ‖ UD`. @throws WireError */
export function encodeSmsSubmit(message: SmsSubmit): Uint8Array {
  const { validity, pid, dcs } = message;
  const format = FORMATS.indexOf(validity.format) << 3;
  const expected = VALIDITY_LENGTHS.get(format);
  if (expected !== validity.value.length)
    throw new WireError('sms-validity', 'TP-VP does not have the length of its format', {
      expected,
      got: validity.value.length,
    });
  const first =
    SUBMIT |
    format |
    flag(message.rejectDuplicates, REJECT_DUPLICATES) |
    flag(message.statusReport, STATUS_REPORT) |
    flag(message.hasHeader, HEADER_INDICATOR) |
    flag(message.replyPath, REPLY_PATH);
  const start = concat(Uint8Array.of(first), encodeNumber(message.reference, 1), encodeTpAddress(message.destination));
  const fixed = concat(encodeNumber(pid, 1), encodeNumber(dcs, 1), validity.value);
  return concat(start, fixed, encodeUserData(message));
}

/** @throws WireError when it is another kind of message or malformed */
export function decodeSmsSubmit(bytes: Uint8Array): SmsSubmit {
  const reader = new ByteReader(bytes, 'SMS-SUBMIT');
  const first = readFirst(reader, SUBMIT, 'SMS-SUBMIT');
  const reference = reader.number(1);
  const destination = readTpAddress(reader);
  const [pid, dcs] = [reader.number(1), reader.number(1)];
  const format = first & VALIDITY_MASK;
  const value = reader.take(validityLength(first));
  return {
    reference,
    destination,
    pid,
    dcs,
    validity: { format: FORMATS[format >> 3] ?? 'none', value },
    ...readUserData(reader, dcs),
    rejectDuplicates: (first & REJECT_DUPLICATES) !== 0,
    statusReport: (first & STATUS_REPORT) !== 0,
    hasHeader: (first & HEADER_INDICATOR) !== 0,
    replyPath: (first & REPLY_PATH) !== 0,
  };
}

/** First octet of an SMS-SUBMIT, and what it says of the user data. @throws WireError when it is another message */
export function readSubmitFirst(reader: ByteReader): { readonly bits: number; readonly hasHeader: boolean } {
  const bits = readFirst(reader, SUBMIT, 'SMS-SUBMIT');
  return { bits, hasHeader: (bits & HEADER_INDICATOR) !== 0 };
}

/** Bytes of TP-VP by the first octet. */
export const validityLength = (first: number): number => VALIDITY_LENGTHS.get(first & VALIDITY_MASK) ?? 0;

function readFirst(reader: ByteReader, type: number, name: string): number {
  const first = reader.number(1);
  if ((first & TYPE_MASK) !== type) throw new WireError('sms-type', `The message is no ${name}`, { got: first });
  return first;
}
