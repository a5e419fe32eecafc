// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type Aid, aid } from '../gp/aid.ts';

export function truncated(what: string): WireError {
  return new WireError('cap-truncated', `${what} of the CAP file ends before its content`);
}

/** Bounded reader of one component. */
export class ComponentReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string, tag: number) {
    this.#bytes = bytes;
    this.#what = what;
    if (this.u1() !== tag) throw new WireError('cap-component', `${what} of the CAP file has another tag`);
    if (this.u2() > bytes.length - 3) throw truncated(what);
  }

  u1(): number {
    const value = this.#bytes[this.#offset++];
    if (value === undefined) throw truncated(this.#what);
    return value;
  }

  u2(): number {
    return (this.u1() << 8) | this.u1();
  }

  u4(): number {
    return this.u2() * 0x10000 + this.u2();
  }

  bytes(length: number): Uint8Array {
    const value = this.#bytes.slice(this.#offset, this.#offset + length);
    if (value.length !== length) throw truncated(this.#what);
    this.#offset += length;
    return value;
  }

  aid(): Aid {
    return aid(this.bytes(this.u1()));
  }

  /** What is left of the component. */
  rest(): Uint8Array {
    return this.#bytes.slice(this.#offset);
  }
}
