// SPDX-License-Identifier: Apache-2.0
/** Key data fields of PUT KEY for every type, and what E0 says of them. */
import { createHash, randomBytes } from 'node:crypto';
import { desCheckValue } from './scp02-host.ts';
import { checkValue } from './scp03-host.ts';
import { bytes, hex, tlv, valueAt } from './tlv.ts';

/** Enciphers the whole blocks of a secret; the identity before issuance. */
export type Seal = (data: Buffer) => Buffer;

/** One secret as it stands in a field: with its real length before it, or bare where blocks allow it. */
export function secret(key: Buffer, seal: Seal, block: number, withLength: boolean): Buffer {
  const padded = Buffer.concat([key, randomBytes((block - (key.length % block)) % block)]);
  const length = key.length < 0x80 ? Buffer.of(key.length) : Buffer.of(0x81, key.length);
  return withLength || padded.length !== key.length ? Buffer.concat([length, seal(padded)]) : seal(padded);
}

export interface SymmetricKey {
  readonly type: string;
  readonly value: Buffer;
}

/** Check value where one is defined: DES, AES and pre-shared keys of TLS. */
export function kcv({ type, value }: SymmetricKey): Buffer {
  if (type === '88') return checkValue(value);
  if (type === '85') return createHash('sha1').update(value).digest().subarray(0, 3);
  return ['80', '82', '83', '84'].includes(type) ? desCheckValue(value) : Buffer.alloc(0);
}

export function symmetricField(key: SymmetricKey, seal: Seal, block: number, withLength: boolean): Buffer {
  const check = kcv(key);
  return Buffer.concat([tlv(key.type, secret(key.value, seal, block, withLength)), Buffer.of(check.length), check]);
}

/** Entries of E0 as `KID KVN type length..`, in hex. */
export function entries(answer: string): string[] {
  const list = valueAt(bytes(answer), 'E0');
  const found: string[] = [];
  for (let at = 0; at < list.length; at += 2 + (list[at + 1] ?? 0)) {
    found.push(hex(list.subarray(at + 2, at + 2 + (list[at + 1] ?? 0))));
  }
  return found;
}
