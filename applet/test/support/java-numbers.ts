// SPDX-License-Identifier: Apache-2.0
/** The constants of a Java source file, as far as their values stand in it as literals. */
import { readFileSync } from 'node:fs';

const NUMBER = /static final (?:byte|short|int) (\w+) = (?:\((?:byte|short)\) )?(0x[0-9A-Fa-f]+|\d+);/g;
const BYTES = /static final byte\[\] (\w+) = \{([^}]*)\};/g;

/** Numbers by name, as the unsigned value of their literal. */
export function javaNumbers(path: string): ReadonlyMap<string, number> {
  const source = readFileSync(path, 'utf8');
  return new Map(Array.from(source.matchAll(NUMBER), ([, name, value]) => [name ?? '', Number(value)]));
}

/** Byte arrays by name, in hex. */
export function javaBytes(path: string): ReadonlyMap<string, string> {
  const source = readFileSync(path, 'utf8');
  return new Map(
    Array.from(source.matchAll(BYTES), ([, name, list]) => {
      const literals = Array.from((list ?? '').matchAll(/0x([0-9A-Fa-f]{2})/g), ([, digits]) => digits ?? '');
      return [name ?? '', literals.join('').toUpperCase()];
    }),
  );
}
