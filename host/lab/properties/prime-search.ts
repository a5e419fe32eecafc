// SPDX-License-Identifier: Apache-2.0
/** Finds primes of RSA keys in any bytes, knowing only the moduli. */

export interface FoundPrime {
  readonly form: 'raw' | 'hex' | 'base64';
  readonly offset: number;
}

/** Primes of RSA keys start with B5 or more, so that their product has its top bit set. */
const SMALLEST_FIRST_BYTE = 0xb5;
/** Primes in ASN.1 and JSON Web Keys may have a zero byte in front; windows slide over it. */
const HEX_RUN = /[0-9A-Fa-f]{64,}/g;
const BASE64_RUN = /[A-Za-z0-9+/_-]{64,}/g;

/** The first window of `bytes` that divides one of the moduli, as it stands or inside hex or base64 text. */
export function findPrimeFactor(bytes: Buffer, moduli: readonly Uint8Array[]): FoundPrime | undefined {
  const bySize = productsBySize(moduli);
  const text = bytes.toString('latin1');
  // PEM breaks its lines, and JSON writes the breaks as two characters.
  const joined = text.replaceAll(/\\r|\\n|[\r\n]/g, '');
  return (
    search(bytes, bySize, 'raw') ??
    searchRuns(
      text,
      HEX_RUN,
      [0, 1],
      (run, shift) => Buffer.from(run.slice(shift, run.length - ((run.length - shift) % 2)), 'hex'),
      bySize,
      'hex',
    ) ??
    searchRuns(
      joined,
      BASE64_RUN,
      [0, 1, 2, 3],
      (run, shift) => Buffer.from(run.slice(shift), 'base64'),
      bySize,
      'base64',
    )
  );
}

/** Product of all moduli whose primes have the same length, by that length. */
function productsBySize(moduli: readonly Uint8Array[]): ReadonlyMap<number, bigint> {
  const products = new Map<number, bigint>();
  for (const modulus of moduli) {
    const value = BigInt(`0x${Buffer.from(modulus).toString('hex')}`);
    const size = modulus.length / 2;
    products.set(size, (products.get(size) ?? 1n) * value);
  }
  return products;
}

function searchRuns(
  text: string,
  pattern: RegExp,
  shifts: readonly number[],
  decode: (run: string, shift: number) => Buffer,
  bySize: ReadonlyMap<number, bigint>,
  form: FoundPrime['form'],
): FoundPrime | undefined {
  for (const match of text.matchAll(pattern)) {
    for (const shift of shifts) {
      const found = search(decode(match[0], shift), bySize, form);
      if (found !== undefined) return { form, offset: match.index };
    }
  }
  return undefined;
}

function search(bytes: Buffer, bySize: ReadonlyMap<number, bigint>, form: FoundPrime['form']): FoundPrime | undefined {
  for (const [size, product] of bySize) {
    for (let offset = 0; offset + size <= bytes.length; offset += 1) {
      const first = bytes[offset] ?? 0;
      const last = bytes[offset + size - 1] ?? 0;
      if (first < SMALLEST_FIRST_BYTE || (last & 1) === 0) continue;
      const window = BigInt(`0x${bytes.toString('hex', offset, offset + size)}`);
      if (product % window === 0n) return { form, offset };
    }
  }
  return undefined;
}
