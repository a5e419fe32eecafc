// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../../setup/soak/runs.ts';
import { WireError } from '../../../errors.ts';

export const anyByte = fc.nat(255);
export const anyBytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Runs the decoder; anything but a value or a WireError fails. */
export function isRefused(decode: (input: Uint8Array) => unknown, input: Uint8Array): boolean {
  try {
    decode(input);
    return false;
  } catch (error) {
    if (error instanceof WireError) return true;
    throw error;
  }
}

/**
 * What each codec promises: it reads back what it writes, refuses every beginning of it, and answers noise and flipped
 * bits with a value or a WireError.
 *
 * @param complete beginnings that are values of their own, such as a list without its last element
 */
export function checkCodec<T>(options: {
  readonly name: string;
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  readonly complete?: (value: T) => boolean;
}): void {
  const { name, values, encode, decode } = options;
  it(`reads back every ${name} that it writes`, () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encode(value))).to.deep.equal(value);
      }),
      { numRuns: soakRuns(300) },
    );
  });

  it(`refuses each beginning of a ${name}, and answers noise and flipped bits with a value or a WireError`, () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(7), anyBytes(0, 60), (value, position, bit, noise) => {
        const whole = encode(value);
        if (whole.length > 0 && options.complete?.(value) !== true)
          expect(isRefused(decode, whole.slice(0, position % whole.length))).to.equal(true);
        const flipped = Uint8Array.from(whole);
        const at = position % Math.max(1, whole.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        isRefused(decode, flipped);
        isRefused(decode, noise);
      }),
      { numRuns: soakRuns(300) },
    );
  });
}
