// SPDX-License-Identifier: Apache-2.0
import { decodeTlvs, type Tlv, TlvReader } from '../ber-tlv.ts';
import type { JavaCardRelease } from '../cap/api-packages.ts';
import { toHex } from '../hex.ts';

/**
 * 1.3.6.1.4.1.42.2.110.1.2 and .3: the Java Card release of the chip's platform, as vendors write it. @see GPCS H.2
 * '66'
 */
const JAVA_CARD_ARC = /^2B060104012A026E0102([0-9A-F]*)$/;
const JAVA_CARD_3 = '2B060104012A026E0103';

const BY_ARCS: Readonly<Record<string, JavaCardRelease>> = {
  '020101': '2.1.1',
  '020102': '2.1.2',
  '020201': '2.2.1',
  '0202': '2.2.1',
  '020202': '2.2.2',
  '030003': '3.0.3',
  '0300': '3.0.3',
  '030004': '3.0.4',
  '030005': '3.0.5',
  '0301': '3.1',
  '0302': '3.2',
};

/** The Java Card release that card recognition data tell, if any. @throws WireError */
export function decodeJavaCardRelease(response: Uint8Array): JavaCardRelease | undefined {
  const recognition = new TlvReader(new TlvReader(response).expect(0x66)).expect(0x73);
  const chip = decodeTlvs(recognition).filter(({ tag }) => tag === 0x65 || tag === 0x66);
  const oids = chip.flatMap(({ value }) => decodeTlvs(value)).filter((object: Tlv) => object.tag === 0x06);
  for (const { value } of oids) {
    const hex = toHex(value);
    if (hex === JAVA_CARD_3) return '3.0.3';
    const arcs = JAVA_CARD_ARC.exec(hex)?.[1];
    if (arcs !== undefined) return BY_ARCS[arcs];
  }
  return undefined;
}
