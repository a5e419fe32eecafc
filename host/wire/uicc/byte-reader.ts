// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';

/** Reads fixed-size fields in order and cannot pass the end of its bytes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  /** @param what name of the structure, for error messages */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next `length` bytes. @throws WireError `uicc-truncated` */
  take(length: number): Uint8Array {
    if (length > this.left) {
      throw new WireError('uicc-truncated', `${this.#what} ends inside a field`, {
        offset: this.#offset,
        expected: length,
        got: this.left,
      });
    }
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.slice(start, this.#offset);
  }

  /** Big-endian number of 1 to 6 bytes. @throws WireError `uicc-truncated` */
  number(length: number): number {
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** The next byte without reading it; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#offset];
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** Bytes from the start up to here. */
  get before(): Uint8Array {
    return this.#bytes.slice(0, this.#offset);
  }

  /** @throws WireError `uicc-trailing` when bytes are left */
  end(): void {
    if (this.left === 0) return;
    throw new WireError('uicc-trailing', `${this.#what} is followed by other bytes`, {
      offset: this.#offset,
      got: this.left,
    });
  }
}

/** Big-endian number in `length` bytes, 1 to 6. @throws WireError when it does not fit */
export function encodeNumber(value: number, length: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** length)
    throw new WireError('uicc-number-range', `Number does not fit ${length} bytes`, { got: value });
  return Uint8Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256);
}
