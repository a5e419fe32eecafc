// SPDX-License-Identifier: Apache-2.0
/** RSA test keys and certificates of the profile in applet/README.md section 3, by node:crypto alone. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bytes, tlv } from './tlv.ts';

export interface RsaKey {
  readonly bits: number;
  readonly privateKey: KeyObject;
  readonly n: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
  readonly dP: Buffer;
  readonly dQ: Buffer;
  readonly qInv: Buffer;
}

export const EXPONENT = bytes('010001');

const cache = new Map<string, RsaKey>();

function padded(base64: string | undefined, size: number): Buffer {
  const value = Buffer.from(base64 ?? '', 'base64url');
  return Buffer.concat([Buffer.alloc(size - value.length), value]);
}

export function fromPrivateKey(privateKey: KeyObject, bits: number): RsaKey {
  const jwk = privateKey.export({ format: 'jwk' });
  const half = bits / 16;
  return {
    bits,
    privateKey,
    n: padded(jwk.n, bits / 8),
    p: padded(jwk.p, half),
    q: padded(jwk.q, half),
    dP: padded(jwk.dp, half),
    dQ: padded(jwk.dq, half),
    qInv: padded(jwk.qi, half),
  };
}

/** A key made once for each name and size in a run. */
export function rsaKey(name: string, bits = 1024): RsaKey {
  const id = `${name} ${bits}`;
  let key = cache.get(id);
  if (key === undefined) {
    key = fromPrivateKey(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey, bits);
    cache.set(id, key);
  }
  return key;
}

/** A key from the numbers of a transcript. */
export function rsaFromNumbers(numbers: { n: string; d: string; p: string; q: string }): RsaKey {
  const number = (value: string): bigint => BigInt(`0x${value}`);
  const url = (value: bigint): string => {
    const digits = value.toString(16);
    return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
  };
  const [p, q, d] = [number(numbers.p), number(numbers.q), number(numbers.d)];
  const key = {
    kty: 'RSA',
    n: url(number(numbers.n)),
    e: 'AQAB',
    d: url(d),
    p: url(p),
    q: url(q),
    dp: url(d % (p - 1n)),
    dq: url(d % (q - 1n)),
    qi: url(power(q, p - 2n, p)),
  };
  return fromPrivateKey(createPrivateKey({ key, format: 'jwk' }), numbers.n.length * 4);
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let factor = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

export interface CertificateFields {
  readonly issuer: Buffer;
  readonly holder: Buffer;
  readonly authorization?: string;
  readonly modulus: Buffer;
  readonly exponent?: Buffer;
  readonly serial?: string;
  /** Discretionary data 73: the objects in it. */
  readonly discretionary?: Buffer;
}

/** The bytes under the signature. */
export function certificateBody(fields: CertificateFields): Buffer {
  return Buffer.concat([
    tlv('93', fields.serial ?? '0101'),
    tlv('42', fields.issuer),
    tlv('5F20', fields.holder),
    tlv('5F4C', fields.authorization ?? '82'),
    ...(fields.discretionary === undefined ? [] : [tlv('73', fields.discretionary)]),
    tlv('7F49', tlv('81', fields.modulus), tlv('82', fields.exponent ?? EXPONENT)),
  ]);
}

export function certificate(fields: CertificateFields, signer: RsaKey): Buffer {
  const body = certificateBody(fields);
  return tlv('7F21', body, tlv('9E', sign('sha1', body, signer.privateKey)));
}

/** A 16-byte holder reference from a short name. */
export function holder(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, 16);
}

/** PUT KEY data of a public key in the repeated-component form. */
export function publicKeyData(kvn: string, key: RsaKey, reference?: Buffer): Buffer {
  const parts = [bytes(kvn), tlv('A1', key.n), tlv('A0', EXPONENT), bytes('00')];
  return Buffer.concat(reference === undefined ? parts : [...parts, tlv('5F20', reference)]);
}

/** The same in format 2. */
export function extendedPublicKeyData(kvn: string, key: RsaKey, reference?: Buffer): Buffer {
  const parts = [bytes(kvn), bytes('FF'), tlv('A1', key.n), bytes('FF'), tlv('A0', EXPONENT), bytes('00 0182 0100')];
  return Buffer.concat(reference === undefined ? parts : [...parts, tlv('5F20', reference)]);
}

/** PUT KEY data of a private key: RSA-3072 comes in two commands (applet/README.md 5.5). */
export function privateKeyData(kvn: string, key: RsaKey): Buffer[] {
  const start = [bytes(kvn), tlv('A1', key.n), tlv('A0', EXPONENT)];
  const [p, q, ...rest] = [key.p, key.q, key.qInv, key.dP, key.dQ].map((part, i) => tlv(`A${4 + i}`, part));
  const primes = [p ?? bytes(''), q ?? bytes('')];
  if (key.bits < 3072) return [Buffer.concat([...start, ...primes, ...rest, bytes('00')])];
  return [Buffer.concat([...start, ...primes, bytes('00')]), Buffer.concat([bytes(kvn), ...rest, bytes('00')])];
}
