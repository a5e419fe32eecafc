// SPDX-License-Identifier: Apache-2.0
import { encodeTlv } from '../ber-tlv.ts';
import { type GpCommand, gpCommand, INS, KEY_GENERATION_TIMEOUT_MS } from './command.ts';
import { encodeKeyReference, type KeyReference } from './key-reference.ts';

export { decodePublicKey } from './public-key.ts';

export type KeySizeBits = 1024 | 2048 | 3072;

/**
 * GENERATE ASYMMETRIC KEY PAIR: `80 47 80 00`, data `A4 { 84 02 KVN KID [‖ 91 02 bits] }`; the response is '7F49'.
 *
 * @see ISO 7816-8; applet README 5.3
 */
export function generateKeyPair(reference: KeyReference, keySizeBits?: KeySizeBits): GpCommand {
  const size =
    keySizeBits === undefined ? new Uint8Array() : encodeTlv(0x91, Uint8Array.of(keySizeBits >> 8, keySizeBits & 0xff));
  const data = encodeTlv(0xa4, encodeTlv(0x84, encodeKeyReference(reference)), size);
  return gpCommand({
    label: 'GENERATE ASYMMETRIC KEY PAIR',
    cla: 0x80,
    ins: INS.GENERATE_ASYMMETRIC_KEY_PAIR,
    p1: 0x80,
    p2: 0x00,
    data,
    le: true,
    timeoutMs: KEY_GENERATION_TIMEOUT_MS,
  });
}

/** Reads the public key of a pair that is there (P1 81); without reference the current one. */
export function readPublicKey(reference?: KeyReference): GpCommand {
  const data =
    reference === undefined ? new Uint8Array() : encodeTlv(0xa4, encodeTlv(0x84, encodeKeyReference(reference)));
  return gpCommand({
    label: 'READ PUBLIC KEY',
    cla: 0x80,
    ins: INS.GENERATE_ASYMMETRIC_KEY_PAIR,
    p1: 0x81,
    p2: 0x00,
    data,
    le: true,
  });
}
