// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { TlvReader } from '../ber-tlv.ts';

/** 1.2.840.114283.4: arc of the secure channel protocols. */
const SCP_ARC = [0x2a, 0x86, 0x48, 0x86, 0xfc, 0x6b, 0x04];

export interface SecureChannelOption {
  /** '02', '03', '10', ... */
  readonly protocol: number;
  /** Option byte "i". */
  readonly option: number;
}

/**
 * Protocol and option at the end of an OID. Arcs above 7F should be base-128; cards write the plain bytes as well, for
 * both or for one of them: two bytes are always these two, and a plain protocol may stand before an option in base-128,
 * a plain option behind a protocol in base-128.
 */
function arcs(bytes: Uint8Array): readonly number[] {
  if (bytes.length === 2) return [...bytes];
  const [first = 0, second = 0, third = 0] = bytes;
  if (bytes.length === 3 && first >= 0x80 && second === 0x81 && third < 0x80) return [first, 0x80 | third];
  if (bytes.length === 3 && first === 0x81 && second < 0x80 && third >= 0x80) return [0x80 | second, third];
  const found: number[] = [];
  let arc = 0;
  for (const byte of bytes) {
    arc = (arc << 7) | (byte & 0x7f);
    if (arc > 0xff) return [];
    if ((byte & 0x80) !== 0) continue;
    found.push(arc);
    arc = 0;
  }
  return (bytes.at(-1) ?? 0) < 0x80 ? found : [];
}

function secureChannelOption(oid: Uint8Array): SecureChannelOption | undefined {
  if (!SCP_ARC.every((byte, index) => oid[index] === byte)) return undefined;
  const [protocol, option, ...rest] = arcs(oid.slice(SCP_ARC.length));
  if (protocol === undefined || option === undefined || rest.length > 0) return undefined;
  return { protocol, option };
}

/**
 * Secure channel protocols that card recognition data announces: `66 { 73 { .. 64 { 06 .. } .. } }`,
 * one '64' for each or several OIDs in one.
 *
 * @throws WireError
 * @see GPCS H.2
 */
export function decodeSecureChannelOptions(response: Uint8Array): SecureChannelOption[] {
  const outer = new TlvReader(response);
  const cardData = new TlvReader(outer.expect(0x66));
  outer.end();
  const recognition = new TlvReader(cardData.expect(0x73));
  const found: SecureChannelOption[] = [];
  while (!recognition.atEnd) {
    const object = recognition.next();
    if (object.tag !== 0x64) continue;
    const oids = new TlvReader(object.value);
    while (!oids.atEnd) {
      const option = secureChannelOption(oids.expect(0x06));
      if (option !== undefined) found.push(option);
      if (found.length > 16) throw new WireError('card-data-options', 'More than 16 secure channel options');
    }
  }
  return found;
}
