// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';

/** One information element of a user data header. @see TS 23.040 9.2.3.24 */
export interface InformationElement {
  readonly id: number;
  readonly data: Uint8Array;
}

export const ELEMENT = {
  CONCATENATED_8_BIT: 0x00,
  CONCATENATED_16_BIT: 0x08,
  COMMAND_PACKET: 0x70,
  RESPONSE_PACKET: 0x71,
} as const;

/** `UDHL ‖ { id ‖ length ‖ data }*`. @throws WireError when it is longer than a byte tells */
export function encodeUserDataHeader(elements: readonly InformationElement[]): Uint8Array {
  const encoded = elements.map(({ id, data }) => concat(encodeNumber(id, 1), encodeNumber(data.length, 1), data));
  const value = concat(...encoded);
  return concat(encodeNumber(value.length, 1), value);
}

/** The header's elements and what follows it. @throws WireError */
export function decodeUserDataHeader(userData: Uint8Array): {
  readonly elements: readonly InformationElement[];
  readonly body: Uint8Array;
} {
  const outer = new ByteReader(userData, 'User data');
  const header = new ByteReader(outer.take(outer.number(1)), 'User data header');
  const elements: InformationElement[] = [];
  while (header.left > 0) elements.push({ id: header.number(1), data: header.take(header.number(1)) });
  return { elements, body: outer.rest() };
}

/** Place of a message in a longer one. */
export interface Concatenation {
  /** Same in all parts; 16 bits where the sender has such a counter. */
  readonly reference: number;
  readonly wide: boolean;
  /** 1 to 255. */
  readonly total: number;
  /** 1 to `total`. */
  readonly sequence: number;
}

/** @throws WireError when a field is out of range. @see TS 23.040 9.2.3.24.1, 9.2.3.24.8 */
export function encodeConcatenation({ reference, wide, total, sequence }: Concatenation): InformationElement {
  requirePlace(total, sequence);
  const id = wide ? ELEMENT.CONCATENATED_16_BIT : ELEMENT.CONCATENATED_8_BIT;
  return { id, data: concat(encodeNumber(reference, wide ? 2 : 1), Uint8Array.of(total, sequence)) };
}

/** The concatenation among these elements, if there is one. @throws WireError when it is malformed */
export function findConcatenation(elements: readonly InformationElement[]): Concatenation | undefined {
  const found = elements.find(({ id }) => id === ELEMENT.CONCATENATED_8_BIT || id === ELEMENT.CONCATENATED_16_BIT);
  if (found === undefined) return undefined;
  const wide = found.id === ELEMENT.CONCATENATED_16_BIT;
  const reader = new ByteReader(found.data, 'Concatenation');
  const [reference, total, sequence] = [reader.number(wide ? 2 : 1), reader.number(1), reader.number(1)];
  reader.end();
  requirePlace(total, sequence);
  return { reference, wide, total, sequence };
}

function requirePlace(total: number, sequence: number): void {
  if (total < 1 || total > 255 || sequence < 1 || sequence > total || !Number.isInteger(total + sequence))
    throw new WireError('sms-concatenation', 'A part has a number from 1 to the count of parts', {
      expected: total,
      got: sequence,
    });
}
