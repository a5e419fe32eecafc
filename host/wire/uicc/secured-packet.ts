// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import {
  decodeSecurityParameters,
  encodeSecurityParameters,
  type SecurityParameters,
} from './security-parameters-indicator.ts';

/** UDH of a single message that carries a command packet, and of one with a response packet. @see TS 31.115 4 */
export const COMMAND_HEADER: Uint8Array = Uint8Array.of(0x02, 0x70, 0x00);
export const RESPONSE_HEADER: Uint8Array = Uint8Array.of(0x02, 0x71, 0x00);

/** Largest counter; a key set whose counter stands here is blocked. */
export const MAX_COUNTER = 0xff_ffff_ffff;
/** Lengths that RC, CC or DS may have here: none, CRC-16, CRC-32 or short CMAC, full checksum. */
export const CHECKSUM_LENGTHS = [0, 2, 4, 8] as const;
export type ChecksumLength = (typeof CHECKSUM_LENGTHS)[number];

const COUNTER_BYTES = 5;
const TAR_BYTES = 3;
/** CHL without checksum: SPI(2) KIc KID TAR(3) CNTR(5) PCNTR. */
const COMMAND_FIXED = 13;
/** RHL without checksum: TAR(3) CNTR(5) PCNTR STS. */
const RESPONSE_FIXED = 10;
/** Of the fields above, those that come after the TAR and are enciphered: CNTR PCNTR, and CNTR PCNTR STS. */
const COMMAND_SECURED = 6;
const RESPONSE_SECURED = 7;

/** Fields of a command packet that are never enciphered. */
export interface CommandHeader {
  readonly spi: SecurityParameters;
  /** Key set number in the high nibble, algorithm in the low one. @see TS 102 225 5.1.2, 5.1.3 */
  readonly kic: number;
  readonly kid: number;
  /** Toolkit application reference, 3 bytes. */
  readonly tar: Uint8Array;
}

/** A packet cut at the point where encipherment starts. */
export interface CommandPacket extends CommandHeader {
  readonly checksumLength: ChecksumLength;
  /** `CNTR(5) PCNTR(1) RC/CC/DS data padding`, maybe enciphered. */
  readonly secured: Uint8Array;
}

export interface ResponsePacket {
  readonly tar: Uint8Array;
  readonly checksumLength: ChecksumLength;
  /** `CNTR(5) PCNTR(1) STS(1) RC/CC/DS data padding`, maybe enciphered. */
  readonly secured: Uint8Array;
}

/** The secured part in clear. */
export interface SecuredPart {
  readonly counter: number;
  /** Count of padding bytes at the end of `data`. */
  readonly padding: number;
  readonly checksum: Uint8Array;
  /** Padding included. */
  readonly data: Uint8Array;
}

export interface SecuredResponsePart extends SecuredPart {
  /** STS, see RESPONSE_STATUS. */
  readonly status: number;
}

function checksumLength(header: number, fixed: number): ChecksumLength {
  const found = CHECKSUM_LENGTHS.find((length) => header - fixed === length);
  if (found === undefined)
    throw new WireError('packet-header-length', 'CHL or RHL fits no known RC or CC', { expected: fixed, got: header });
  return found;
}

function requireTar(tar: Uint8Array): Uint8Array {
  if (tar.length !== TAR_BYTES)
    throw new WireError('tar-length', 'A TAR has 3 bytes', { expected: TAR_BYTES, got: tar.length });
  return tar;
}

/** The part of the command that a checksum takes in before CNTR: `CPL(2) CHL(1) SPI(2) KIc KID TAR(3)`. */
export function encodeCommandHead(header: CommandHeader, length: ChecksumLength, securedBytes: number): Uint8Array {
  const head = concat(
    Uint8Array.of(COMMAND_FIXED + length),
    encodeSecurityParameters(header.spi),
    encodeNumber(header.kic, 1),
    encodeNumber(header.kid, 1),
    requireTar(header.tar),
  );
  return concat(encodeNumber(head.length + securedBytes, 2), head);
}

/** `CPL(2) CHL(1) SPI(2) KIc KID TAR(3) secured`, the packet without its UDH. @see TS 102 225 5.1 */
export const encodeCommandPacket = (packet: CommandPacket): Uint8Array =>
  concat(encodeCommandHead(packet, packet.checksumLength, packet.secured.length), packet.secured);

/** @throws WireError when lengths disagree or a reserved value is used */
export function decodeCommandPacket(bytes: Uint8Array): CommandPacket {
  const reader = new ByteReader(bytes, 'Command packet');
  requireLength(reader.number(2), reader.left);
  const length = checksumLength(reader.number(1), COMMAND_FIXED);
  const spi = decodeSecurityParameters(reader.take(2));
  const header = { spi, kic: reader.number(1), kid: reader.number(1), tar: reader.take(TAR_BYTES) };
  const secured = reader.rest();
  requireRoom(secured, COMMAND_SECURED + length);
  return { ...header, checksumLength: length, secured };
}

/** As `encodeCommandHead` for a response: `RPL(2) RHL(1) TAR(3)`. */
export function encodeResponseHead(tar: Uint8Array, length: ChecksumLength, securedBytes: number): Uint8Array {
  const head = concat(Uint8Array.of(RESPONSE_FIXED + length), requireTar(tar));
  return concat(encodeNumber(head.length + securedBytes, 2), head);
}

/** `RPL(2) RHL(1) TAR(3) secured`, the packet without its UDH. @see TS 102 225 5.2 */
export const encodeResponsePacket = ({ tar, checksumLength: length, secured }: ResponsePacket): Uint8Array =>
  concat(encodeResponseHead(tar, length, secured.length), secured);

/** @throws WireError when lengths disagree */
export function decodeResponsePacket(bytes: Uint8Array): ResponsePacket {
  const reader = new ByteReader(bytes, 'Response packet');
  requireLength(reader.number(2), reader.left);
  const length = checksumLength(reader.number(1), RESPONSE_FIXED);
  const tar = reader.take(TAR_BYTES);
  const secured = reader.rest();
  requireRoom(secured, RESPONSE_SECURED + length);
  return { tar, checksumLength: length, secured };
}

/** The packet after its UDH. @throws WireError when the UDH is another one */
export function withoutHeader(bytes: Uint8Array, header: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, 'Message with a secured packet');
  const found = reader.take(header.length);
  if (found.some((byte, index) => byte !== header[index]))
    throw new WireError('packet-user-data-header', 'The user data header announces no such packet', { got: found[1] });
  return reader.rest();
}

/** `CNTR(5) PCNTR(1) checksum data` of a command. */
export const encodeSecuredPart = (part: SecuredPart): Uint8Array =>
  concat(encodeNumber(part.counter, COUNTER_BYTES), encodeNumber(part.padding, 1), part.checksum, part.data);

/** @throws WireError when too short */
export function decodeSecuredPart(bytes: Uint8Array, length: ChecksumLength): SecuredPart {
  const reader = new ByteReader(bytes, 'Secured part of a command');
  const [counter, padding] = [reader.number(COUNTER_BYTES), reader.number(1)];
  return { counter, padding, checksum: reader.take(length), data: reader.rest() };
}

/** `CNTR(5) PCNTR(1) STS(1) checksum data` of a response. */
export const encodeSecuredResponsePart = (part: SecuredResponsePart): Uint8Array =>
  concat(
    ...[encodeNumber(part.counter, COUNTER_BYTES), encodeNumber(part.padding, 1), encodeNumber(part.status, 1)],
    ...[part.checksum, part.data],
  );

/** @throws WireError when too short */
export function decodeSecuredResponsePart(bytes: Uint8Array, length: ChecksumLength): SecuredResponsePart {
  const reader = new ByteReader(bytes, 'Secured part of a response');
  const [counter, padding, status] = [reader.number(COUNTER_BYTES), reader.number(1), reader.number(1)];
  return { counter, padding, status, checksum: reader.take(length), data: reader.rest() };
}

/**
 * Data without its padding, which PCNTR counts and whose values do not matter. @throws WireError when PCNTR is too high
 */
export function withoutPadding({ data, padding }: SecuredPart): Uint8Array {
  if (padding > data.length)
    throw new WireError('packet-padding', 'PCNTR counts more bytes than there are', {
      expected: data.length,
      got: padding,
    });
  return data.slice(0, data.length - padding);
}

function requireLength(announced: number, got: number): void {
  if (announced !== got)
    throw new WireError('packet-length', 'CPL or RPL is not the length of the packet', { expected: announced, got });
}

function requireRoom(secured: Uint8Array, least: number): void {
  if (secured.length < least)
    throw new WireError('packet-truncated', 'The packet ends inside its header', {
      expected: least,
      got: secured.length,
    });
}
