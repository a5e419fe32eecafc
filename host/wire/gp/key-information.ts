// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { TlvReader } from '../ber-tlv.ts';
import { type KeyReference, keyReference } from './key-reference.ts';

export interface KeyInformation {
  readonly reference: KeyReference;
  /** Type and length in bytes of each component; length 0 means 256 or more. */
  readonly components: readonly { readonly type: number; readonly lengthBytes: number }[];
  /** Usage qualifier, of the extended form. */
  readonly usage?: Uint8Array;
  /** Key access, of the extended form. */
  readonly access?: Uint8Array;
}

/** Leads a type of two bytes, in the extended form. */
const EXTENDED = 0xff;

/**
 * `E0 L { C0 L KID KVN {type length}* }*`, or, for a key of the extended form,
 * `C0 L KID KVN {FF type length 2}* [L usage L access]`.
 *
 * @throws WireError
 * @see GPCS 11.3.3.1, Tables 11-26 and 11-27
 */
export function decodeKeyInformation(response: Uint8Array): KeyInformation[] {
  const outer = new TlvReader(response);
  const reader = new TlvReader(outer.expect(0xe0));
  outer.end();
  const keys: KeyInformation[] = [];
  while (!reader.atEnd) {
    const value = reader.expect(0xc0, { min: 4, max: 64 });
    const [kid = 0, kvn = 0, first] = value;
    keys.push({ reference: keyReference(kvn, kid), ...(first === EXTENDED ? extended(value) : basic(value)) });
  }
  return keys;
}

function basic(value: Uint8Array) {
  if (value.length % 2 !== 0) throw new WireError('key-information', "'C0' has an odd length", { got: value.length });
  const components = [];
  for (let index = 2; index < value.length; index += 2) {
    components.push({ type: value[index] ?? 0, lengthBytes: value[index + 1] ?? 0 });
  }
  return { components };
}

function extended(value: Uint8Array) {
  const components = [];
  let at = 2;
  for (; value[at] === EXTENDED; at += 4) {
    const [, type, high, low] = value.slice(at, at + 4);
    if (type === undefined || high === undefined || low === undefined) throw truncated(value);
    components.push({ type, lengthBytes: high * 256 + low });
  }
  const [usage, behind] = lengthValue(value, at);
  const [access, end] = lengthValue(value, behind);
  if (end !== value.length)
    throw new WireError('key-information', "'C0' goes on behind the key access", { got: value.length, expected: end });
  return { components, ...(usage && { usage }), ...(access && { access }) };
}

/** A field behind its length byte, and where it ends; nothing at the end of all, as cards leave both out. */
function lengthValue(value: Uint8Array, at: number): readonly [Uint8Array | undefined, number] {
  const length = value[at];
  if (length === undefined) return [undefined, at];
  const end = at + 1 + length;
  if (end > value.length) throw truncated(value);
  return [value.slice(at + 1, end), end];
}

const truncated = (value: Uint8Array): WireError =>
  new WireError('key-information', "'C0' of the extended form ends within a field", { got: value.length });
