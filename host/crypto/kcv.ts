// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../wire/hex.ts';
import { desEcbEncrypt } from './des.ts';

/** Key check value of a DES key: the first three bytes of eight zero bytes encrypted. @see GPCS B.6 */
export const desKeyCheckValue = (key: Uint8Array): string => toHex(desEcbEncrypt(key, new Uint8Array(8)).slice(0, 3));
