// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { decodeTlvs, TlvReader } from '../ber-tlv.ts';

export interface CardCapabilities {
  readonly secureChannels: readonly { readonly protocol: number }[];
  /** True when security domains can be made on the card: it tells which privileges they may have. */
  readonly makesDomains: boolean;
  /** Sizes of AES keys, in bits, that a secure channel takes. */
  readonly aesBits: readonly number[];
  /** Hashes of load files, by their number: 1 SHA-1, 2 SHA-256, 3 SHA-384, 4 SHA-512. */
  readonly hashes: readonly number[];
  /** Bits of the signatures of tokens and DAPs together, as the first byte has them. */
  readonly signatures: number;
}

/** Of a card that tells none. */
export const NO_CAPABILITIES: CardCapabilities = {
  secureChannels: [],
  makesDomains: false,
  aesBits: [],
  hashes: [],
  signatures: 0,
};

const TAG = {
  OBJECT: 0x67,
  SECURE_CHANNEL: 0xa0,
  PROTOCOL: 0x80,
  DOMAIN_PRIVILEGES: 0x81,
  KEY_SIZES: 0x82,
  HASHES: 0x83,
  TOKENS: 0x85,
  DAPS: 0x87,
} as const;
const AES_SIZES = [128, 192, 256] as const;

/**
 * Card capability information: `67 { A0 { 80 scp 81 options [82 sizes of AES keys] .. }* [81 privileges of domains] [82
 * of others] [83 hashes] [85 signatures of tokens] [87 of DAPs] .. }`.
 *
 * @throws WireError
 * @see GPCS H.4
 */
export function decodeCardCapabilities(response: Uint8Array): CardCapabilities {
  const outer = new TlvReader(response);
  const reader = new TlvReader(outer.expect(TAG.OBJECT));
  outer.end();
  const secureChannels: { protocol: number }[] = [];
  const aesBits = new Set<number>();
  let makesDomains = false;
  let hashes: readonly number[] = [];
  let signatures = 0;
  while (!reader.atEnd) {
    const { tag, value } = reader.next();
    if (tag === TAG.DOMAIN_PRIVILEGES) makesDomains ||= value.some((byte) => byte !== 0);
    if (tag === TAG.HASHES) hashes = [...value];
    if (tag === TAG.TOKENS || tag === TAG.DAPS) signatures |= value[0] ?? 0;
    if (tag !== TAG.SECURE_CHANNEL) continue;
    const [first, ...others] = decodeTlvs(value);
    if (first?.tag !== TAG.PROTOCOL)
      throw new WireError('capabilities', 'A secure channel does not begin with its protocol');
    const [protocol] = first.value;
    if (protocol !== undefined) secureChannels.push({ protocol });
    const sizes = others.find((object) => object.tag === TAG.KEY_SIZES)?.value[0] ?? 0;
    for (const [index, bits] of AES_SIZES.entries()) if ((sizes & (1 << index)) !== 0) aesBits.add(bits);
  }
  return { secureChannels, makesDomains, aesBits: [...aesBits], hashes, signatures };
}
