// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import {
  type ChannelStatus,
  channelStatus,
  type DataAddress,
  dataAddress,
  networkAccessName,
  type Transport,
  transport,
} from './cat-channel-values.ts';
import {
  byteFields,
  byteList,
  bytePrefixed,
  type MenuItem,
  menuItem,
  noValue,
  numberOf,
  rawBytes,
  type TextString,
  type TimerValue,
  textString,
  timerValue,
  type ValueCodec,
} from './cat-values.ts';
import { type ComprehensionTlv, decodeComprehensionTlvs, encodeComprehensionTlv } from './comprehension-tlv.ts';
import { decodeCatAddress, encodeCatAddress, type SmsAddress } from './sms-address.ts';

/** Data objects by name, with the type of their value. */
export interface CatValues {
  readonly commandDetails: { readonly number: number; readonly type: number; readonly qualifier: number };
  readonly deviceIdentities: { readonly source: number; readonly destination: number };
  readonly result: { readonly general: number; readonly info: Uint8Array };
  /** Unit 00 minutes, 01 seconds, 02 tenths of a second. */
  readonly duration: { readonly unit: number; readonly interval: number };
  /** Text in the coding of SIM files; empty means: do not show. */
  readonly alphaIdentifier: Uint8Array;
  readonly address: SmsAddress;
  readonly smsTpdu: Uint8Array;
  readonly textString: TextString;
  readonly tone: number;
  readonly item: MenuItem;
  readonly itemIdentifier: number;
  readonly responseLength: { readonly least: number; readonly most: number };
  readonly fileList: { readonly count: number; readonly paths: Uint8Array };
  readonly locationInformation: Uint8Array;
  readonly imei: Uint8Array;
  readonly helpRequest: true;
  readonly eventList: readonly number[];
  readonly timerIdentifier: number;
  readonly timerValue: TimerValue;
  readonly dateTime: Uint8Array;
  readonly immediateResponse: true;
  readonly language: Uint8Array;
  readonly bearer: { readonly type: number; readonly parameters: Uint8Array };
  readonly channelData: Uint8Array;
  /** 0 to 254; 255 is that many or more. */
  readonly channelDataLength: number;
  readonly channelStatus: ChannelStatus;
  readonly bufferSize: number;
  readonly transport: Transport;
  readonly dataAddress: DataAddress;
  readonly dnsServer: DataAddress;
  readonly networkAccessName: readonly string[];
}

export type CatKind = keyof CatValues;

type Declaration<T> = ValueCodec<T> & { readonly tag: number };
type Declarations = { readonly [K in CatKind]: Declaration<CatValues[K]> };

const declare = <T>(tag: number, codec: ValueCodec<T>): Declaration<T> => ({ tag, ...codec });

/** One line per data object: tag and layout. @see TS 102 223 8, 9.3 */
const DECLARATIONS: Declarations = {
  commandDetails: declare(0x01, byteFields('number', 'type', 'qualifier')),
  deviceIdentities: declare(0x02, byteFields('source', 'destination')),
  result: declare(0x03, bytePrefixed('general', 'info')),
  duration: declare(0x04, byteFields('unit', 'interval')),
  alphaIdentifier: declare(0x05, rawBytes),
  address: declare(0x06, { encode: encodeCatAddress, decode: decodeCatAddress }),
  smsTpdu: declare(0x0b, rawBytes),
  textString: declare(0x0d, textString),
  tone: declare(0x0e, numberOf(1)),
  item: declare(0x0f, menuItem),
  itemIdentifier: declare(0x10, numberOf(1)),
  responseLength: declare(0x11, byteFields('least', 'most')),
  fileList: declare(0x12, bytePrefixed('count', 'paths')),
  locationInformation: declare(0x13, rawBytes),
  imei: declare(0x14, rawBytes),
  helpRequest: declare(0x15, noValue),
  eventList: declare(0x19, byteList),
  timerIdentifier: declare(0x24, numberOf(1)),
  timerValue: declare(0x25, timerValue),
  dateTime: declare(0x26, rawBytes),
  immediateResponse: declare(0x2b, noValue),
  language: declare(0x2d, rawBytes),
  bearer: declare(0x35, bytePrefixed('type', 'parameters')),
  channelData: declare(0x36, rawBytes),
  channelDataLength: declare(0x37, numberOf(1)),
  channelStatus: declare(0x38, channelStatus),
  bufferSize: declare(0x39, numberOf(2)),
  transport: declare(0x3c, transport),
  dataAddress: declare(0x3e, dataAddress),
  dnsServer: declare(0x40, dataAddress),
  networkAccessName: declare(0x47, networkAccessName),
};

/** A data object with a value of its kind; `required` is the bit that asks the receiver to understand it. */
export type CatObject<K extends CatKind = CatKind> = {
  [P in K]: { readonly kind: P; readonly required: boolean; readonly value: CatValues[P] };
}[K];

/** One that has no declaration here, or whose value does not fit it. */
export interface UnknownObject extends ComprehensionTlv {
  readonly kind: 'unknown';
}

export type AnyCatObject = CatObject | UnknownObject;

const KINDS: ReadonlyMap<number, CatKind> = new Map(
  (Object.keys(DECLARATIONS) as CatKind[]).map((kind) => [DECLARATIONS[kind].tag, kind]),
);

export const tagOf = (kind: CatKind): number => DECLARATIONS[kind].tag;

/** An object that the receiver must understand, or with `required` false may pass over. */
export function catObject<K extends CatKind>(kind: K, value: CatValues[K], required = true): CatObject<K> {
  return { kind, required, value };
}

function encodeKnown<K extends CatKind>({ kind, required, value }: CatObject<K>): Uint8Array {
  const { tag, encode } = DECLARATIONS[kind];
  return encodeComprehensionTlv({ tag, required, value: encode(value) });
}

/** @throws WireError when a value is out of range */
export const encodeCatObject = (object: AnyCatObject): Uint8Array =>
  object.kind === 'unknown' ? encodeComprehensionTlv(object) : encodeKnown(object);

const decodeKnown = <K extends CatKind>(kind: K, { required, value }: ComprehensionTlv): CatObject<K> => ({
  kind,
  required,
  value: DECLARATIONS[kind].decode(value),
});

function decodeOne(tlv: ComprehensionTlv): AnyCatObject {
  const kind = KINDS.get(tlv.tag);
  if (kind === undefined) return { kind: 'unknown', ...tlv };
  try {
    return decodeKnown(kind, tlv);
  } catch (error) {
    // who answers must still learn which command it was: a value that does not fit is told from the others later
    if (error instanceof WireError) return { kind: 'unknown', ...tlv };
    throw error;
  }
}

/**
 * All data objects, in order; one that does not fit its declaration becomes `unknown`. @throws WireError for broken
 * lengths
 */
export const decodeCatObjects = (bytes: Uint8Array): AnyCatObject[] => decodeComprehensionTlvs(bytes).map(decodeOne);

const isKind =
  <K extends CatKind>(kind: K) =>
  (object: AnyCatObject): object is AnyCatObject & CatObject<K> =>
    object.kind === kind;

/** Value of the first object of this kind. */
export const findValue = <K extends CatKind>(objects: readonly AnyCatObject[], kind: K): CatValues[K] | undefined =>
  objects.find(isKind(kind))?.value;

/** Values of all objects of this kind, in order. */
export const allValues = <K extends CatKind>(objects: readonly AnyCatObject[], kind: K): CatValues[K][] =>
  objects.filter(isKind(kind)).map(({ value }) => value);
