// SPDX-License-Identifier: Apache-2.0
import type { CapFile } from './cap-file.ts';
import { ComponentReader } from './component-reader.ts';

const TAG_DESCRIPTOR = 0x0b;
const FLAG_ABSTRACT = 0x40;
/** In a method's header: four bytes of it, not two. */
const EXTENDED = 0x80;

/** Bytes of operands by instruction, as runs of `[first, last, bytes]`; the others have none. @see JCVM 7.5 */
const OPERANDS: readonly (readonly [number, number, number])[] = [
  ...([
    [0x10, 0x10, 1],
    [0x11, 0x11, 2],
    [0x12, 0x12, 1],
    [0x13, 0x13, 2],
    [0x14, 0x14, 4],
    [0x15, 0x17, 1],
  ] as const),
  ...([
    [0x28, 0x2a, 1],
    [0x3f, 0x40, 1],
    [0x59, 0x5a, 2],
    [0x60, 0x70, 1],
    [0x71, 0x71, 2],
    [0x72, 0x72, 1],
  ] as const),
  ...([
    [0x7b, 0x82, 2],
    [0x83, 0x8a, 1],
    [0x8b, 0x8d, 2],
    [0x8e, 0x8e, 4],
    [0x8f, 0x8f, 2],
    [0x90, 0x90, 1],
  ] as const),
  ...([
    [0x91, 0x91, 2],
    [0x94, 0x95, 3],
    [0x96, 0x97, 3],
    [0x98, 0xa8, 2],
    [0xa9, 0xac, 2],
    [0xad, 0xb0, 1],
  ] as const),
  ...([
    [0xb1, 0xb4, 2],
    [0xb5, 0xb8, 1],
  ] as const),
];
const BYTES = new Uint8Array(256);
for (const [first, last, bytes] of OPERANDS) BYTES.fill(bytes, first, last + 1);

const STABLESWITCH = 0x73;
const ITABLESWITCH = 0x74;
const SLOOKUPSWITCH = 0x75;
const ILOOKUPSWITCH = 0x76;

/** Bytes of the instruction at `at`, its opcode among them. */
function lengthAt(code: Uint8Array, at: number): number {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  // The longest head of a switch has eleven bytes; what is cut off ends the code.
  if ((code[at] ?? 0) >= STABLESWITCH && (code[at] ?? 0) <= ILOOKUPSWITCH && at + 11 > code.length)
    return code.length - at;
  switch (code[at]) {
    case STABLESWITCH:
      return 7 + 2 * (view.getInt16(at + 5) - view.getInt16(at + 3) + 1);
    case ITABLESWITCH:
      return 11 + 2 * (view.getInt32(at + 7) - view.getInt32(at + 3) + 1);
    case SLOOKUPSWITCH:
      return 5 + 4 * view.getUint16(at + 3);
    case ILOOKUPSWITCH:
      return 5 + 6 * view.getUint16(at + 3);
    default:
      return 1 + (BYTES[code[at] ?? 0] ?? 0);
  }
}

/** Where methods have their code in the Method component's `info`. @see JCVM 6.14 */
function rangesOf({ components }: CapFile, info: Uint8Array): { readonly start: number; readonly end: number }[] {
  const component = components.get('Descriptor');
  if (component === undefined) return [];
  const reader = new ComponentReader(component, 'Descriptor', TAG_DESCRIPTOR);
  const ranges = [];
  for (let left = reader.u1(); left > 0; left -= 1) {
    reader.bytes(4);
    const interfaces = reader.u1();
    const fields = reader.u2();
    const methods = reader.u2();
    reader.bytes(2 * interfaces + 7 * fields);
    for (let method = 0; method < methods; method += 1) {
      const [, flags = 0] = reader.bytes(2);
      const offset = reader.u2();
      reader.u2();
      const count = reader.u2();
      reader.u4();
      if ((flags & FLAG_ABSTRACT) !== 0 || count === 0) continue;
      const start = offset + (((info[offset] ?? 0) & EXTENDED) === 0 ? 2 : 4);
      ranges.push({ start, end: Math.min(start + count, info.length) });
    }
  }
  return ranges;
}

/**
 * The instructions of a CAP file's methods, in order within each; none without a Descriptor, which alone says where
 * methods begin.
 *
 * @param info of the Method component
 * @throws WireError `cap-truncated`
 */
export function methodsOf(cap: CapFile, info: Uint8Array): Uint8Array[][] {
  return rangesOf(cap, info).map(({ start, end }) => {
    const instructions = [];
    for (let at = start; at < end; ) {
      const length = Math.max(1, lengthAt(info, at));
      instructions.push(info.subarray(at, Math.min(at + length, end)));
      at += length;
    }
    return instructions;
  });
}
