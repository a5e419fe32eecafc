// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';

/** One way to write and read the value of a data object. */
export interface ValueCodec<T> {
  encode(value: T): Uint8Array;
  /** @throws WireError when malformed */
  decode(bytes: Uint8Array): T;
}

/** Reads with a bounded reader and refuses bytes that are left. */
function layout<T>(encode: (value: T) => Uint8Array, read: (reader: ByteReader) => T): ValueCodec<T> {
  return {
    encode,
    decode: (bytes) => {
      const reader = new ByteReader(bytes, 'Data object');
      const value = read(reader);
      reader.end();
      return value;
    },
  };
}

export const rawBytes: ValueCodec<Uint8Array> = layout(
  (value) => value,
  (reader) => reader.rest(),
);

/** Big-endian number of 1 to 4 bytes. */
export const numberOf = (length: number): ValueCodec<number> =>
  layout(
    (value) => encodeNumber(value, length),
    (reader) => reader.number(length),
  );

export const noValue: ValueCodec<true> = layout<true>(
  () => new Uint8Array(),
  () => true,
);

/** Fields of one byte each, in this order. */
export function byteFields<const K extends string>(...names: readonly K[]): ValueCodec<Readonly<Record<K, number>>> {
  return layout(
    (value) => concat(...names.map((name) => encodeNumber(value[name], 1))),
    (reader) => {
      const fields = names.map((name) => [name, reader.number(1)] as const);
      return Object.fromEntries(fields) as Record<K, number>;
    },
  );
}

/** A byte, then bytes up to the end. */
export function bytePrefixed<const K extends string, const R extends string>(
  first: K,
  rest: R,
): ValueCodec<Readonly<Record<K, number> & Record<R, Uint8Array>>> {
  return layout(
    (value) => concat(encodeNumber(value[first], 1), value[rest]),
    (reader) => {
      const fields = [
        [first, reader.number(1)],
        [rest, reader.rest()],
      ] as const;
      return Object.fromEntries(fields) as Record<K, number> & Record<R, Uint8Array>;
    },
  );
}

export const byteList: ValueCodec<readonly number[]> = layout(
  (values) => concat(...values.map((value) => encodeNumber(value, 1))),
  (reader) => [...reader.rest()],
);

/** Text with its coding scheme; a zero length is a text that is absent. @see TS 102 223 8.15 */
export interface TextString {
  readonly dcs?: number;
  readonly text: Uint8Array;
}

export const textString: ValueCodec<TextString> = layout<TextString>(
  ({ dcs, text }) => {
    if (dcs !== undefined) return concat(encodeNumber(dcs, 1), text);
    if (text.length === 0) return text;
    throw new WireError('cat-text', 'Text needs its coding scheme', { got: text.length });
  },
  (reader) => (reader.left === 0 ? { text: new Uint8Array() } : { dcs: reader.number(1), text: reader.rest() }),
);

/** An entry of a menu; one of no length, without identifier, stands for a menu that is taken away. */
export interface MenuItem {
  readonly identifier?: number;
  readonly text: Uint8Array;
}

/** `identifier ‖ text`, or nothing. @see TS 102 223 6.6.7, 8.9 */
export const menuItem: ValueCodec<MenuItem> = layout<MenuItem>(
  ({ identifier, text }) => {
    if (identifier !== undefined) return concat(encodeNumber(identifier, 1), text);
    if (text.length === 0) return text;
    throw new WireError('cat-item', 'An item with a text needs its identifier', { got: text.length });
  },
  (reader) => (reader.left === 0 ? { text: new Uint8Array() } : { identifier: reader.number(1), text: reader.rest() }),
);

/** Hours, minutes, seconds. @see TS 102 223 8.38 */
export interface TimerValue {
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

function encodeSwapped(value: number, limit: number): number {
  if (!Number.isInteger(value) || value < 0 || value > limit)
    throw new WireError('cat-time', `Part of a time is 0 to ${limit}`, { got: value });
  return ((value % 10) << 4) | Math.floor(value / 10);
}

function decodeSwapped(byte: number, limit: number): number {
  const [tens, units] = [byte & 0xf, byte >> 4];
  const value = tens * 10 + units;
  if (tens > 9 || units > 9 || value > limit)
    throw new WireError('cat-time', `Part of a time is 0 to ${limit} in swapped BCD`, { got: byte });
  return value;
}

/** 3 bytes of BCD, units in the high nibble. */
export const timerValue: ValueCodec<TimerValue> = layout<TimerValue>(
  ({ hours, minutes, seconds }) =>
    Uint8Array.of(encodeSwapped(hours, 23), encodeSwapped(minutes, 59), encodeSwapped(seconds, 59)),
  (reader) => ({
    hours: decodeSwapped(reader.number(1), 23),
    minutes: decodeSwapped(reader.number(1), 59),
    seconds: decodeSwapped(reader.number(1), 59),
  }),
);
