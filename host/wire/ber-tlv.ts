// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';
import { concat } from './hex.ts';

/** One data object: tag of 1 to 3 bytes as a number ('7F49' is 0x7f49) and its value. */
export interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
  /** The object's bytes as received, tag and length included. */
  readonly raw: Uint8Array;
}

/** Longest value that is read or written; nothing on a card is longer. */
export const MAX_VALUE = 65_535;

export const tagToHex = (tag: number): string => {
  const text = tag.toString(16).toUpperCase();
  return text.length % 2 === 0 ? text : `0${text}`;
};

/** BER length: one byte to 7F, then `81 xx`, `82 xx xx`. */
export function encodeLength(length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > MAX_VALUE) {
    throw new WireError('tlv-too-long', 'Length does not fit two bytes', { got: length });
  }
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  return Uint8Array.of(0x82, length >> 8, length & 0xff);
}

/** Tag, length and the joined parts as value. */
export function encodeTlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concat(...parts);
  return concat(new Uint8Array(Buffer.from(tagToHex(tag), 'hex')), encodeLength(value.length), value);
}

/** Reads data objects in order and cannot pass the end of its bytes. @see ISO 7816-4 5.2.2 */
export class TlvReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Tag of the next object without reading it; undefined at the end. @throws WireError */
  peekTag(): number | undefined {
    return this.atEnd ? undefined : this.#tagAt(this.#offset).tag;
  }

  /** Reads the next object, whatever it is. @throws WireError when truncated or malformed */
  next(): Tlv {
    const start = this.#offset;
    const { tag, end: lengthAt } = this.#tagAt(start);
    const { length, end: valueAt } = this.#lengthAt(lengthAt);
    const end = valueAt + length;
    if (end > this.#bytes.length) {
      throw this.#error('tlv-truncated', 'Value ends after the data', lengthAt, length, this.#bytes.length - valueAt);
    }
    this.#offset = end;
    return { tag, value: this.#bytes.slice(valueAt, end), raw: this.#bytes.slice(start, end) };
  }

  /** Reads the next object, which must have this tag, and returns its value. @throws WireError */
  expect(tag: number, size: { readonly min?: number; readonly max?: number } = {}): Uint8Array {
    const start = this.#offset;
    const found = this.next();
    if (found.tag !== tag) {
      throw new WireError('tlv-unexpected-tag', `Want '${tagToHex(tag)}', got '${tagToHex(found.tag)}'`, {
        offset: start,
        expected: tagToHex(tag),
        got: tagToHex(found.tag),
      });
    }
    const { min = 0, max = MAX_VALUE } = size;
    if (found.value.length < min || found.value.length > max) {
      throw this.#error('tlv-length', `Length of '${tagToHex(tag)}' is out of range`, start, min, found.value.length);
    }
    return found.value;
  }

  /** As `expect` when the next tag is this one, else undefined and nothing is read. @throws WireError */
  optional(tag: number, size: { readonly min?: number; readonly max?: number } = {}): Uint8Array | undefined {
    return this.peekTag() === tag ? this.expect(tag, size) : undefined;
  }

  /** @throws WireError when bytes are left */
  end(): void {
    if (this.atEnd) return;
    throw this.#error(
      'tlv-trailing',
      'Bytes after the last data object',
      this.#offset,
      0,
      this.#bytes.length - this.#offset,
    );
  }

  #tagAt(start: number): { tag: number; end: number } {
    const first = this.#byteAt(start);
    if ((first & 0x1f) !== 0x1f) return { tag: first, end: start + 1 };
    const second = this.#byteAt(start + 1);
    if ((second & 0x80) === 0) return { tag: (first << 8) | second, end: start + 2 };
    const third = this.#byteAt(start + 2);
    if ((third & 0x80) !== 0) throw this.#error('tlv-tag-too-long', 'Tag is longer than three bytes', start, 3, 4);
    return { tag: (first << 16) | (second << 8) | third, end: start + 3 };
  }

  #lengthAt(start: number): { length: number; end: number } {
    const first = this.#byteAt(start);
    if (first < 0x80) return { length: first, end: start + 1 };
    if (first === 0x81) return { length: this.#byteAt(start + 1), end: start + 2 };
    if (first === 0x82) return { length: (this.#byteAt(start + 1) << 8) | this.#byteAt(start + 2), end: start + 3 };
    throw this.#error('tlv-length-form', 'Length is indefinite or longer than two bytes', start, 0x82, first);
  }

  #byteAt(offset: number): number {
    const byte = this.#bytes[offset];
    if (byte === undefined) throw this.#error('tlv-truncated', 'Data ends inside a data object', offset, 1, 0);
    return byte;
  }

  #error(code: string, message: string, offset: number, expected: number, got: number): WireError {
    return new WireError(code, message, { offset, expected, got });
  }
}

/** All data objects of a value, at most `limit`. @throws WireError */
export function decodeTlvs(bytes: Uint8Array, limit = 256): Tlv[] {
  const reader = new TlvReader(bytes);
  const found: Tlv[] = [];
  while (!reader.atEnd) {
    if (found.length === limit) throw new WireError('tlv-too-many', 'Too many data objects', { limit });
    found.push(reader.next());
  }
  return found;
}

/** The value of the only data object in `bytes`, which must have this tag. @throws WireError */
export function decodeSingle(tag: number, bytes: Uint8Array): Uint8Array {
  const reader = new TlvReader(bytes);
  const value = reader.expect(tag);
  reader.end();
  return value;
}
