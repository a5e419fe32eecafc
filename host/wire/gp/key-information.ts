// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { TlvReader } from '../ber-tlv.ts';
import { type KeyReference, keyReference } from './key-reference.ts';

export interface KeyInformation {
  readonly reference: KeyReference;
  /** Type and length in bytes of each component; length 0 means 256 or more. */
  readonly components: readonly { readonly type: number; readonly lengthBytes: number }[];
}

/** `E0 L { C0 L KID KVN {type length}* }*` @throws WireError @see GPCS 11.3.3.1 */
export function decodeKeyInformation(response: Uint8Array): KeyInformation[] {
  const outer = new TlvReader(response);
  const reader = new TlvReader(outer.expect(0xe0));
  outer.end();
  const keys: KeyInformation[] = [];
  while (!reader.atEnd) {
    const value = reader.expect(0xc0, { min: 4, max: 64 });
    if (value.length % 2 !== 0) throw new WireError('key-information', "'C0' has an odd length", { got: value.length });
    const [kid = 0, kvn = 0] = value;
    const components = [];
    for (let index = 2; index < value.length; index += 2) {
      components.push({ type: value[index] ?? 0, lengthBytes: value[index + 1] ?? 0 });
    }
    keys.push({ reference: keyReference(kvn, kid), components });
  }
  return keys;
}
