// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { toHex } from '../wire/hex.ts';
import { desEcbEncrypt } from './des.ts';

/** Key check value of a DES key: the first three bytes of eight zero bytes encrypted. @see GPCS B.6 */
export const desKeyCheckValue = (key: Uint8Array): string => toHex(desEcbEncrypt(key, new Uint8Array(8)).slice(0, 3));

/** Key check value of a pre-shared key of TLS: the first three bytes of its SHA-1. @see GP Amendment B 3.9.1 */
export const preSharedKeyCheckValue = (key: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha1').update(key).digest().subarray(0, 3));
