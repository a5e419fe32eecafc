// SPDX-License-Identifier: Apache-2.0
import type { Aid } from '../gp/aid.ts';
import { aidToHex } from '../gp/aid.ts';
import type { AlgorithmKind } from './algorithm-names.ts';
import { type AlgorithmUse, algorithmOf, FACTORIES } from './algorithms.ts';
import type { CapFile } from './cap-file.ts';
import { ComponentReader } from './component-reader.ts';
import { methodsOf } from './instructions.ts';

/** What a CAP file wants of a card. */
export interface Import {
  readonly aid: Aid;
  /** `major.minor` */
  readonly version: string;
}

const TAG = { IMPORT: 0x04, CONSTANT_POOL: 0x05, METHOD: 0x07, STATIC_FIELD: 0x08 } as const;
const CONSTANT_STATIC_METHOD = 6;

/** Imported packages in order: the number of a package is its place here. @see JCVM 6.7 */
export function importsOf({ components }: CapFile): Import[] {
  const component = components.get('Import');
  if (component === undefined) return [];
  const reader = new ComponentReader(component, 'Import', TAG.IMPORT);
  return Array.from({ length: reader.u1() }, () => {
    const minor = reader.u1();
    const major = reader.u1();
    return { aid: reader.aid(), version: `${major}.${minor}` };
  });
}

/** Bytes of the static fields' image, which lie in persistent memory from LOAD on. @see JCVM 6.11 */
export function staticFieldBytes({ components }: CapFile): number {
  const component = components.get('StaticField');
  return component === undefined ? 0 : new ComponentReader(component, 'StaticField', TAG.STATIC_FIELD).u2();
}

/** Factory methods and constructors of the API by their index in the constant pool. @see JCVM 6.8 */
function factoriesOf(cap: CapFile): ReadonlyMap<number, AlgorithmKind> {
  const component = cap.components.get('ConstantPool');
  if (component === undefined) return new Map();
  const packages = importsOf(cap).map(({ aid }) => aidToHex(aid));
  const reader = new ComponentReader(component, 'ConstantPool', TAG.CONSTANT_POOL);
  const found = new Map<number, AlgorithmKind>();
  const count = reader.u2();
  for (let index = 0; index < count; index += 1) {
    const [kind = 0, info1 = 0, info2 = 0, info3 = 0] = reader.bytes(4);
    // External: package token with its high bit set, class token, method token.
    if (kind !== CONSTANT_STATIC_METHOD || (info1 & 0x80) === 0) continue;
    const factory = FACTORIES.get(`${packages[info1 & 0x7f] ?? ''}.${info2}.${info3}`);
    if (factory !== undefined) found.set(index, factory);
  }
  return found;
}

const OP = {
  SCONST_M1: 0x02,
  SCONST_5: 0x08,
  BSPUSH: 0x10,
  SSPUSH: 0x11,
  INVOKESPECIAL: 0x8c,
  INVOKESTATIC: 0x8d,
} as const;

/** The value that an instruction pushes, when it is a constant. */
function pushed([opcode = 0, first = 0, second = 0]: Uint8Array): number | undefined {
  if (opcode === OP.SSPUSH) return (first << 8) | second;
  if (opcode === OP.BSPUSH) return first;
  return opcode >= OP.SCONST_M1 && opcode <= OP.SCONST_5 ? opcode - OP.SCONST_M1 - 1 : undefined;
}

/** Constants that the instructions before this one push, the last ones; a value that is computed ends them. */
function pushedBefore(instructions: readonly Uint8Array[], index: number, count: number): number[] {
  const values: number[] = [];
  for (let at = index - 1; at >= 0 && values.length < count; at -= 1) {
    const value = pushed(instructions[at] ?? new Uint8Array());
    if (value === undefined) break;
    values.unshift(value);
  }
  return values;
}

/**
 * Algorithms and key sizes that the code asks for with constants: what it computes is not seen. A card without them
 * refuses in install(), or later.
 */
export function algorithmsOf(cap: CapFile): AlgorithmUse[] {
  const factories = factoriesOf(cap);
  const method = cap.components.get('Method');
  if (method === undefined || factories.size === 0) return [];
  const found = new Map<string, AlgorithmUse>();
  for (const instructions of methodsOf(new ComponentReader(method, 'Method', TAG.METHOD).rest()))
    for (const [index, [opcode, high = 0, low = 0]] of instructions.entries()) {
      if (opcode !== OP.INVOKESTATIC && opcode !== OP.INVOKESPECIAL) continue;
      const factory = factories.get((high << 8) | low);
      if (factory === undefined) continue;
      const use = algorithmOf(factory, (count) => pushedBefore(instructions, index, count));
      if (use !== undefined) found.set(`${use.what} ${use.name} ${use.bits}`, use);
    }
  return [...found.values()];
}
