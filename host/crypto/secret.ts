// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { InvariantError } from '../errors.ts';
import { toHex } from '../wire/hex.ts';
import { desKeyCheckValue } from './kcv.ts';

/** Key bytes that show only a check value wherever they are printed, and that can be wiped. */
export class Secret implements Disposable {
  readonly #bytes: Uint8Array;
  /** Made when somebody asks: most keys of a session are never shown. */
  #checkValue: string | undefined;
  #wiped = false;

  /** Takes over `bytes`: the caller keeps no copy. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy. @throws InvariantError after `wipe` */
  expose(): Uint8Array {
    if (this.#wiped) throw new InvariantError('secret-wiped', 'This key was wiped');
    return this.#bytes;
  }

  get isWiped(): boolean {
    return this.#wiped;
  }

  /** `wiped` when nobody has asked before. */
  get checkValue(): string {
    this.#checkValue ??= this.#wiped ? 'wiped' : checkValueOf(this.#bytes);
    return this.#checkValue;
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return `Secret(KCV ${this.checkValue})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }

  [Symbol.dispose](): void {
    this.wipe();
  }
}

function checkValueOf(bytes: Uint8Array): string {
  if (bytes.length === 16 || bytes.length === 24) return desKeyCheckValue(bytes);
  // Other secrets have no KCV of their own; a truncated digest tells two of them apart and nothing else.
  return toHex(createHash('sha256').update(bytes).digest().subarray(0, 3));
}
