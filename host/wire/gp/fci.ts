// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { TlvReader } from '../ber-tlv.ts';
import { fromHex, sameBytes } from '../hex.ts';
import { type Aid, aid } from './aid.ts';

/** File control information of a security domain. @see GPCS 11.9.3.1, Table 11-84 */
export interface FileControlInformation {
  readonly aid: Aid;
  /** '9F65': longest command data field, when told. */
  readonly maxCommandData?: number;
}

/**
 * `6F L { 84 L AID ‖ A5 L { [73 ..] [9F6E ..] [9F65 ..] } }`; objects without meaning here are passed over. @throws
 * WireError
 */
export function decodeFci(bytes: Uint8Array): FileControlInformation {
  const outer = new TlvReader(bytes);
  const reader = new TlvReader(outer.expect(0x6f, { max: 256 }));
  outer.end();
  const name = aid(reader.expect(0x84));
  const proprietary = new TlvReader(reader.optional(0xa5) ?? new Uint8Array());
  let maxCommandData: number | undefined;
  while (!proprietary.atEnd) {
    if (proprietary.peekTag() !== 0x9f65) proprietary.next();
    else maxCommandData = proprietary.expect(0x9f65, { min: 1, max: 2 }).reduce((value, byte) => value * 256 + byte, 0);
  }
  while (!reader.atEnd) reader.next();
  return maxCommandData === undefined ? { aid: name } : { aid: name, maxCommandData };
}

/**
 * True when the answer to SELECT, as hex, is the FCI of this very application: SELECT also takes the beginning of an
 * AID.
 */
export function answersAs(response: string, name: Aid): boolean {
  try {
    return sameBytes(decodeFci(fromHex(response, 256)).aid, name);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}
