// SPDX-License-Identifier: Apache-2.0
import { TlvReader } from '../ber-tlv.ts';

export interface CardCapabilities {
  readonly secureChannels: readonly { readonly protocol: number }[];
  /** True when security domains can be made on the card: it tells which privileges they may have. */
  readonly makesDomains: boolean;
}

const TAG = { OBJECT: 0x67, SECURE_CHANNEL: 0xa0, PROTOCOL: 0x80, DOMAIN_PRIVILEGES: 0x81 } as const;

/**
 * Card capability information: `67 { A0 { 80 scp 81 options .. }* [81 privileges of domains] [82 of others] .. }`.
 *
 * @throws WireError
 * @see GPCS H.4
 */
export function decodeCardCapabilities(response: Uint8Array): CardCapabilities {
  const outer = new TlvReader(response);
  const reader = new TlvReader(outer.expect(TAG.OBJECT));
  outer.end();
  const secureChannels: { protocol: number }[] = [];
  let makesDomains = false;
  while (!reader.atEnd) {
    const { tag, value } = reader.next();
    if (tag === TAG.DOMAIN_PRIVILEGES) makesDomains ||= value.some((byte) => byte !== 0);
    if (tag !== TAG.SECURE_CHANNEL) continue;
    const protocol = new TlvReader(value).expect(TAG.PROTOCOL)[0];
    if (protocol !== undefined) secureChannels.push({ protocol });
  }
  return { secureChannels, makesDomains };
}
