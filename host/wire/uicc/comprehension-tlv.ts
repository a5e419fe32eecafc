// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeLength } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { ByteReader } from './byte-reader.ts';

/** A data object of the toolkit: a tag of 7 bits and a bit that says whether the receiver must understand it. */
export interface ComprehensionTlv {
  /** 01 to 7E. */
  readonly tag: number;
  readonly required: boolean;
  readonly value: Uint8Array;
}

const REQUIRED = 0x80;
/** Longest list that is read; a proactive command has far fewer. */
const MAX_OBJECTS = 64;

/** `tag ‖ length ‖ value`; a length over 7F is `81 LL`. @throws WireError. @see TS 101 220 7.1.1 */
export function encodeComprehensionTlv({ tag, required, value }: ComprehensionTlv): Uint8Array {
  if (!Number.isInteger(tag) || tag < 0x01 || tag > 0x7e)
    throw new WireError('cat-tag', 'A tag of the toolkit is 01 to 7E', { got: tag });
  return concat(Uint8Array.of(required ? tag | REQUIRED : tag), encodeLength(value.length), value);
}

/** Length as BER has it, in 1 to 3 bytes. @throws WireError for other forms and for more than is left */
export function readLength(reader: ByteReader): number {
  const first = reader.number(1);
  if (first < 0x80) return first;
  if (first === 0x81) return reader.number(1);
  if (first === 0x82) return reader.number(2);
  throw new WireError('cat-length', 'A length over 7F starts with 81 or 82', { offset: reader.offset, got: first });
}

/** All data objects, in order. @throws WireError */
export function decodeComprehensionTlvs(bytes: Uint8Array): ComprehensionTlv[] {
  const reader = new ByteReader(bytes, 'List of data objects');
  const found: ComprehensionTlv[] = [];
  while (reader.left > 0) {
    if (found.length === MAX_OBJECTS)
      throw new WireError('cat-too-many', 'Too many data objects', { limit: MAX_OBJECTS });
    const first = reader.number(1);
    const tag = first & 0x7f;
    if (tag === 0x00 || tag === 0x7f)
      throw new WireError('cat-tag', 'Tags of three bytes and the tag 00 are not read', {
        offset: reader.offset,
        got: first,
      });
    found.push({ tag, required: (first & REQUIRED) !== 0, value: reader.take(readLength(reader)) });
  }
  return found;
}

/** Value of the template `bytes` is, which must have this tag and nothing after it. @throws WireError */
export function decodeTemplate(tag: number, name: string, bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, name);
  const found = reader.number(1);
  if (found !== tag) throw new WireError('cat-template', `This is no ${name}`, { expected: tag, got: found });
  const value = reader.take(readLength(reader));
  reader.end();
  return value;
}
