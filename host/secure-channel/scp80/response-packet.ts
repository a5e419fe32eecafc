// SPDX-License-Identifier: Apache-2.0
import { constantTimeEqual } from '../../crypto/equal.ts';
import { SecureChannelError } from '../../errors.ts';
import { concat, sameBytes } from '../../wire/hex.ts';
import { encodeNumber } from '../../wire/uicc/byte-reader.ts';
import { isRefusal } from '../../wire/uicc/response-status.ts';
import {
  type CommandHeader,
  decodeResponsePacket,
  decodeSecuredResponsePart,
  encodeResponseHead,
  encodeSecuredResponsePart,
  RESPONSE_HEADER,
  type ResponsePacket,
  withoutHeader,
  withoutPadding,
} from '../../wire/uicc/secured-packet.ts';
import { type Checksum, checksumOf, cipherOf, type PacketKeys } from './algorithms.ts';
import { decipher, paddingFor } from './command-packet.ts';

/** A response packet in clear. */
export interface Response {
  readonly tar: Uint8Array;
  /** Of the command that it answers. */
  readonly counter: number;
  /** STS, see RESPONSE_STATUS. */
  readonly status: number;
  readonly data: Uint8Array;
}

export interface ReceivedResponse extends Response {
  /** A cryptographic checksum of the card stands behind status and data. */
  readonly authenticated: boolean;
}

/** CNTR, PCNTR and STS. */
const FIXED = 7;
/** Length of a response with neither data nor checksum, from CNTR on. */
const PLAIN_REFUSAL = FIXED;

/**
 * Packet of a response with its UDH `02 71 00`, protected as the command's SPI asks; unlike a command, the checksum
 * takes the UDH in: `02 71 00 RPL RHL TAR CNTR PCNTR STS data padding`.
 *
 * @param command header of the command that is answered
 * @throws SecureChannelError for an algorithm that is refused or not of these keys
 * @see TS 102 225 5.2; TS 31.115 4
 */
export function protectResponse(response: Response, { spi, kic, kid }: CommandHeader, keys: PacketKeys): Uint8Array {
  const { tar, counter, status, data } = response;
  const cipher = spi.proofCiphered ? cipherOf(kic, keys) : undefined;
  const check = checksumOf(spi.proofIntegrity, kid, keys);
  const padding = paddingFor(FIXED + check.length + data.length, cipher);
  const padded = concat(data, new Uint8Array(padding));
  const head = concat(RESPONSE_HEADER, encodeResponseHead(tar, check.length, FIXED + check.length + padded.length));
  const checksum = check.compute(head, encodeNumber(counter, 5), Uint8Array.of(padding, status), padded);
  const secured = encodeSecuredResponsePart({ counter, padding, status, checksum, data: padded });
  return concat(head, cipher?.encrypt(secured) ?? secured);
}

/** Packet of a card that had no key to authenticate the command with: plain, counter zero, no data. */
export function plainRefusal(tar: Uint8Array, status: number): Uint8Array {
  const secured = encodeSecuredResponsePart({
    counter: 0,
    padding: 0,
    status,
    checksum: new Uint8Array(),
    data: new Uint8Array(),
  });
  return concat(RESPONSE_HEADER, encodeResponseHead(tar, 0, secured.length), secured);
}

/**
 * The sender's side of `protectResponse`. A packet without data and checksum that refuses the command is taken though
 * protection was asked for, in clear or enciphered, with `authenticated` false; one that says anything good is not. One
 * with its checksum is taken in clear too.
 *
 * @param bytes with UDH
 * @param command what was sent; the response must repeat its TAR and, where it is authenticated, its counter
 * @throws WireError when the packet is malformed
 * @throws SecureChannelError `packet-checksum`, `packet-cipher`, `response-counter`, `response-tar`
 */
export function unprotectResponse(
  bytes: Uint8Array,
  command: CommandHeader & { readonly counter: number },
  keys: PacketKeys,
): ReceivedResponse {
  const packet = decodeResponsePacket(withoutHeader(bytes, RESPONSE_HEADER));
  if (!sameBytes(packet.tar, command.tar))
    throw new SecureChannelError('response-tar', 'The response comes from another application than was addressed');
  const response =
    asPlainRefusal(packet) ?? asEncipheredRefusal(packet, command, keys) ?? asAsked(packet, command, keys);
  if (response.counter !== command.counter && !(response.counter === 0 && !response.authenticated))
    throw new SecureChannelError('response-counter', 'The response answers another packet: wait for the right one', {
      expected: command.counter,
      got: response.counter,
    });
  return response;
}

/** Seven bytes are no whole blocks of any cipher, so that such a packet is never an enciphered one. */
function asPlainRefusal({ tar, checksumLength, secured }: ResponsePacket): ReceivedResponse | undefined {
  if (checksumLength !== 0 || secured.length !== PLAIN_REFUSAL) return undefined;
  const { counter, status, padding, data } = decodeSecuredResponsePart(secured, 0);
  return isRefusal(status) && padding === 0 ? { tar, counter, status, data, authenticated: false } : undefined;
}

/**
 * As the command asks, or in clear under the checksum that it asks for, by a card that had no key to encipher with: the
 * checksum proves either.
 */
function asAsked(packet: ResponsePacket, { spi, kic, kid }: CommandHeader, keys: PacketKeys): ReceivedResponse {
  const check = checksumOf(spi.proofIntegrity, kid, keys);
  if (check.length !== packet.checksumLength)
    throw new SecureChannelError('packet-checksum', 'The response does not have the checksum that was asked for', {
      expected: check.length,
      got: packet.checksumLength,
    });
  const cipher = spi.proofCiphered ? cipherOf(kic, keys) : undefined;
  const authenticated = spi.proofIntegrity === 'cc';
  const inClear = cipher === undefined || authenticated ? opened(packet, packet.secured, check) : undefined;
  const response = inClear ?? (cipher && opened(packet, decipher(cipher, packet.secured), check));
  if (response === undefined)
    throw new SecureChannelError('packet-checksum', 'The RC or CC of the response packet is wrong');
  return { ...response, authenticated };
}

/** Undefined when the checksum is wrong. */
function opened({ tar, checksumLength, secured }: ResponsePacket, clear: Uint8Array, check: Checksum) {
  const part = decodeSecuredResponsePart(clear, checksumLength);
  const head = concat(RESPONSE_HEADER, encodeResponseHead(tar, check.length, secured.length));
  const fields = [encodeNumber(part.counter, 5), Uint8Array.of(part.padding, part.status), part.data];
  if (!constantTimeEqual(check.compute(head, ...fields), part.checksum)) return undefined;
  return { tar, counter: part.counter, status: part.status, data: withoutPadding(part) };
}

/** A refusal that is enciphered and has no checksum: nobody vouches for it either. */
function asEncipheredRefusal(
  { tar, checksumLength, secured }: ResponsePacket,
  { spi, kic, counter }: CommandHeader & { readonly counter: number },
  keys: PacketKeys,
): ReceivedResponse | undefined {
  if (checksumLength !== 0 || !spi.proofCiphered || spi.proofIntegrity === 'none') return undefined;
  const cipher = cipherOf(kic, keys);
  if (secured.length % cipher.block !== 0) return undefined;
  const part = decodeSecuredResponsePart(decipher(cipher, secured), 0);
  const isWhole = part.counter === counter && isRefusal(part.status) && part.padding === part.data.length;
  return isWhole ? { tar, counter, status: part.status, data: new Uint8Array(), authenticated: false } : undefined;
}
