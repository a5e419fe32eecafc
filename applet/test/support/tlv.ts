// SPDX-License-Identifier: Apache-2.0
/** Just enough BER-TLV for the applets' tests, apart from the host's codecs so that both cannot share a mistake. */

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex').toUpperCase();

/** `tag L value`; the tag as hex. */
export function tlv(tag: string, ...value: (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(value.map((part) => (typeof part === 'string' ? bytes(part) : part)));
  return Buffer.concat([bytes(tag), berLength(body.length), body]);
}

export function berLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
}

/** `L value` with a length of one byte. */
export function lv(value: string | Uint8Array): Buffer {
  const body = typeof value === 'string' ? bytes(value) : value;
  return Buffer.concat([Buffer.of(body.length), body]);
}

/** The objects of a list, tag as upper-case hex. */
export function objects(list: Uint8Array): { tag: string; value: Buffer }[] {
  const found: { tag: string; value: Buffer }[] = [];
  const data = Buffer.from(list);
  let at = 0;
  while (at < data.length) {
    const size = ((data[at] ?? 0) & 0x1f) === 0x1f ? 2 : 1;
    const tag = hex(data.subarray(at, at + size));
    at += size;
    const first = data[at] ?? 0;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    const length = extra === 0 ? first : data.readUIntBE(at + 1, extra);
    at += 1 + extra;
    if (at + length > data.length) throw new RangeError(`object ${tag} passes the end`);
    found.push({ tag, value: data.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** Value of the object at a path of tags. */
export function valueAt(list: Uint8Array, ...path: string[]): Buffer {
  let value: Buffer = Buffer.from(list);
  for (const tag of path) {
    const object = objects(value).find((candidate) => candidate.tag === tag);
    if (object === undefined) throw new RangeError(`no ${tag} in ${hex(value)}`);
    value = object.value;
  }
  return value;
}
