// SPDX-License-Identifier: Apache-2.0
import { RequestError } from './problem.ts';
import { type FieldError, pointer } from './validation.ts';

const NUL = '\u0000';

/**
 * Refuses texts with NUL (U+0000) anywhere in a value: a database column cannot hold it.
 *
 * @param root JSON pointer of the value itself
 * @throws RequestError `invalid-request`, naming the first such field
 */
export function requireNoNul(value: unknown, root = ''): void {
  // Every request comes by here and hardly one has any: where it stands is looked for only then.
  if (!holdsNul(value)) return;
  // A list instead of recursion: how deep a body is nested is the caller's choice.
  const left: { readonly at: string; readonly item: unknown }[] = [{ at: root, item: value }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { at, item } = next;
    if (typeof item === 'string' && item.includes(NUL)) throw refusal({ field: at, message: 'must not hold NUL' });
    if (typeof item !== 'object' || item === null) continue;
    for (const [name, inner] of Object.entries(item)) {
      if (name.includes(NUL)) throw refusal({ field: at, message: 'must not have a name with NUL' });
      left.push({ at: pointer(at, name), item: inner });
    }
  }
}

function holdsNul(value: unknown): boolean {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const item = left.pop();
    if (typeof item === 'string') {
      if (item.includes(NUL)) return true;
    } else if (Array.isArray(item)) {
      for (const inner of item) left.push(inner);
    } else if (typeof item === 'object' && item !== null) {
      for (const [name, inner] of Object.entries(item)) {
        if (name.includes(NUL)) return true;
        left.push(inner);
      }
    }
  }
  return false;
}

const refusal = (error: FieldError): RequestError =>
  new RequestError('invalid-request', 'the request holds a NUL character', [error]);
