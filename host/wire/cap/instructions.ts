// SPDX-License-Identifier: Apache-2.0
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

/** Where an instruction may go on beside what follows it, and whether it goes on there at all. @see JCVM 7.5 */
function targetsOf(code: Uint8Array, at: number): { readonly targets: readonly number[]; readonly ends: boolean } {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const opcode = code[at] ?? 0;
  const end = Math.min(at + lengthAt(code, at), code.length);
  if (opcode >= IFEQ && opcode <= GOTO) return { targets: [at + view.getInt8(at + 1)], ends: opcode === GOTO };
  if (opcode === JSR || (opcode >= IFEQ_W && opcode <= GOTO_W))
    return { targets: [at + view.getInt16(at + 1)], ends: opcode === GOTO_W };
  if (opcode < STABLESWITCH || opcode > ILOOKUPSWITCH)
    return { targets: [], ends: opcode === RET || opcode === ATHROW || (opcode >= ARETURN && opcode <= RETURN) };
  if (end - at < 3) return { targets: [], ends: true };
  const [first, each] = SWITCH_OFFSETS[opcode - STABLESWITCH] ?? [0, 2];
  const targets = [at + view.getInt16(at + 1)];
  for (let entry = at + first; entry + 2 <= end; entry += each) targets.push(at + view.getInt16(entry));
  return { targets, ends: true };
}

/** Where the first offset of an entry is in a switch, and how far it is to the next one's. */
const SWITCH_OFFSETS = [
  [7, 2],
  [11, 2],
  [7, 4],
  [9, 6],
] as const;
const IFEQ = 0x60;
const GOTO = 0x70;
const JSR = 0x71;
const RET = 0x72;
const ARETURN = 0x77;
const RETURN = 0x7a;
const ATHROW = 0x93;
const IFEQ_W = 0x98;
const GOTO_W = 0xa8;

const HANDLER_BYTES = 8;
const ABSTRACT = 0x40;

/**
 * The instructions of a CAP file's methods, in order within each. A method ends where nothing goes on and nothing
 * before it leads behind; dead code at its end would be taken for a method.
 *
 * @param info of the Method component: handlers, then the methods back to back. @see JCVM 6.10
 */
export function methodsOf(info: Uint8Array): Uint8Array[][] {
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const handlers = Array.from({ length: info[0] ?? 0 }, (_, index) => 1 + HANDLER_BYTES * index)
    .filter((at) => at + HANDLER_BYTES <= info.length)
    .map((at) => ({ start: view.getUint16(at), handler: view.getUint16(at + 4) }));
  const methods = [];
  for (let at = 1 + HANDLER_BYTES * (info[0] ?? 0); at + 2 < info.length; ) {
    const flags = info[at] ?? 0;
    at += (flags & EXTENDED) === 0 ? 2 : 4;
    const instructions = [];
    for (let furthest = at; (flags & ABSTRACT) === 0 && at < info.length; ) {
      const length = Math.max(1, lengthAt(info, at));
      instructions.push(info.subarray(at, Math.min(at + length, info.length)));
      if (at + length > info.length) return [...methods, instructions];
      const { targets, ends } = targetsOf(info, at);
      const handled = handlers.filter(({ start }) => start === at).map(({ handler }) => handler);
      furthest = Math.max(furthest, ...targets, ...handled);
      at += length;
      if (ends && at > furthest) break;
    }
    methods.push(instructions);
  }
  return methods;
}
