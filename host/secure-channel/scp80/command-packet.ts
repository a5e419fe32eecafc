// SPDX-License-Identifier: Apache-2.0
import { constantTimeEqual } from '../../crypto/equal.ts';
import { SecureChannelError, TsmError } from '../../errors.ts';
import { concat } from '../../wire/hex.ts';
import { encodeNumber } from '../../wire/uicc/byte-reader.ts';
import {
  type CommandHeader,
  type CommandPacket,
  decodeCommandPacket,
  decodeSecuredPart,
  encodeCommandHead,
  encodeSecuredPart,
  type SecuredPart,
  withoutPadding,
} from '../../wire/uicc/secured-packet.ts';
import { type BlockCipher, checksumOf, cipherOf, type PacketKeys } from './algorithms.ts';

/** A command packet in clear. */
export interface Command extends CommandHeader {
  /** 0 to MAX_COUNTER. */
  readonly counter: number;
  readonly data: Uint8Array;
}

/** Bytes that bring `length` to whole blocks; none where nothing is enciphered. */
export const paddingFor = (length: number, cipher: BlockCipher | undefined): number =>
  cipher === undefined ? 0 : (cipher.block - (length % cipher.block)) % cipher.block;

/** CNTR and PCNTR. */
const FIXED = 6;

/**
 * Packet of a command, without UDH: pads, computes RC or CC over `CPL CHL SPI KIc KID TAR CNTR PCNTR data padding`,
 * puts it before the data and enciphers from CNTR on.
 *
 * @throws SecureChannelError for an algorithm that is refused or not of these keys
 * @throws WireError when a field is out of range
 * @see TS 102 225 5.1; TS 31.115 4
 */
export function protectCommand(command: Command, keys: PacketKeys): Uint8Array {
  const { spi, counter, data } = command;
  const cipher = spi.ciphered ? cipherOf(command.kic, keys) : undefined;
  const check = checksumOf(spi.integrity, command.kid, keys);
  const padding = paddingFor(FIXED + check.length + data.length, cipher);
  const padded = concat(data, new Uint8Array(padding));
  const head = encodeCommandHead(command, check.length, FIXED + check.length + padded.length);
  const checksum = check.compute(head, encodeNumber(counter, 5), Uint8Array.of(padding), padded);
  const secured = encodeSecuredPart({ counter, padding, checksum, data: padded });
  return concat(head, cipher?.encrypt(secured) ?? secured);
}

/**
 * The card's side of `protectCommand`. The counter is not judged here: see `judgeCounter`.
 *
 * @throws WireError when the packet is malformed
 * @throws SecureChannelError `packet-checksum`, `packet-cipher`, or for algorithms as above
 */
export function unprotectCommand(bytes: Uint8Array, keys: PacketKeys): Command {
  const packet = decodeCommandPacket(bytes);
  const { spi, kic, kid, tar } = packet;
  const part = openCommand(packet, keys);
  const check = checksumOf(spi.integrity, kid, keys);
  if (check.length !== packet.checksumLength)
    throw new SecureChannelError('packet-checksum', 'The packet has a checksum of another length than its keys make', {
      expected: check.length,
      got: packet.checksumLength,
    });
  const head = encodeCommandHead(packet, check.length, packet.secured.length);
  const fields = [encodeNumber(part.counter, 5), encodeNumber(part.padding, 1), part.data];
  if (!constantTimeEqual(check.compute(head, ...fields), part.checksum))
    throw new SecureChannelError('packet-checksum', 'The RC or CC of the command packet is wrong');
  return { spi, kic, kid, tar, counter: part.counter, data: withoutPadding(part) };
}

function openCommand({ spi, kic, secured, checksumLength }: CommandPacket, keys: PacketKeys): SecuredPart {
  const plain = spi.ciphered ? decipher(cipherOf(kic, keys), secured) : secured;
  return decodeSecuredPart(plain, checksumLength);
}

/** @throws SecureChannelError when the bytes are no whole blocks */
export function decipher(cipher: BlockCipher, secured: Uint8Array): Uint8Array {
  try {
    return cipher.decrypt(secured);
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    throw new SecureChannelError('packet-cipher', 'The packet is not enciphered in whole blocks', {}, error);
  }
}
