// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../crypto/aes.ts';
import { desCbcEncrypt, desEcbEncrypt, pad80 } from '../crypto/des.ts';
import { KeyError } from '../errors.ts';
import { concat } from '../wire/hex.ts';
import { encodeAmount, encodeCounter, MAC_LENGTH, type PurseAlgorithm } from '../wire/purse/values.ts';

/** Cryptograms of the purse, in triple DES and in AES. Keys of 16 bytes come in and MACs go out. */

const KEY_LENGTH = 16;

/** Constants of the key derivation in counter mode (NIST SP 800-108 over AES-CMAC). */
const CONSTANT = { online: 0xc1, offline: 0xc2, diversification: 0xd0 } as const;

const kdf = (key: Uint8Array, constant: number, context: Uint8Array): Uint8Array =>
  aesCmac(key, new Uint8Array(11), Uint8Array.of(constant, 0x00, 0x00, 0x80, 0x01), context);

/** Last block of single DES in CBC over padded data, cut. */
const desMac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  desCbcEncrypt(key, pad80(data)).slice(-8).slice(0, MAC_LENGTH);

/**
 * The key of one card: triple DES of `serial ‖ its complement`, or the KDF over the serial.
 *
 * @param serial 8 bytes
 */
export function diversifyPurseKey(algorithm: PurseAlgorithm, master: Uint8Array, serial: Uint8Array): Uint8Array {
  if (algorithm === 'aes') return kdf(master, CONSTANT.diversification, serial);
  return desEcbEncrypt(
    master,
    concat(
      serial,
      serial.map((byte) => ~byte),
    ),
  );
}

export interface SessionFacts {
  readonly random: Uint8Array;
  readonly counter: number;
  readonly type: number;
  /** Of a purchase only. */
  readonly terminalCounter?: number;
}

/** MAC under the session key of one transaction, four bytes. */
export function purseMac(
  algorithm: PurseAlgorithm,
  key: Uint8Array,
  { random, counter, type, terminalCounter }: SessionFacts,
  data: Uint8Array,
): Uint8Array {
  const terminal = encodeAmount(terminalCounter ?? 0);
  const head = concat(random, encodeCounter(counter));
  const online = terminalCounter === undefined;
  const session =
    algorithm === 'aes'
      ? kdf(key, online ? CONSTANT.online : CONSTANT.offline, concat(head, terminal, Uint8Array.of(type)))
      : desEcbEncrypt(key, concat(head, online ? Uint8Array.of(0x80, 0x00) : terminal.slice(-2)));
  const mac = algorithm === 'aes' ? aesCmac(session, data).slice(0, MAC_LENGTH) : desMac(session, data);
  session.fill(0);
  return mac;
}

/** The key that a TAC of triple DES is made under. @throws KeyError when the halves are alike but for parity */
function tacKey(key: Uint8Array): Uint8Array {
  const left = key.slice(0, 8).map((byte, index) => byte ^ (key[8 + index] ?? 0));
  if (left.every((byte) => (byte & 0xfe) === 0))
    throw new KeyError('tac-key', 'The halves of a TAC key are alike: they make no key');
  return left;
}

/** Four bytes. @throws KeyError `tac-key` */
export function purseTac(algorithm: PurseAlgorithm, key: Uint8Array, data: Uint8Array): Uint8Array {
  if (algorithm === 'aes') return aesCmac(key, data).slice(0, MAC_LENGTH);
  const single = tacKey(key);
  const tac = desMac(single, data);
  single.fill(0);
  return tac;
}

/** @throws KeyError for a key that the purse would refuse */
export function requirePurseKey(algorithm: PurseAlgorithm, kind: string, key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new KeyError('purse-key-length', 'A key of the purse has 16 bytes', { kind });
  if (algorithm === '3des' && kind === 'tac') tacKey(key).fill(0);
}
