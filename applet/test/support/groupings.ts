// SPDX-License-Identifier: Apache-2.0
/** Data groupings of STORE DATA that bring keys (GPCS 2.3.1 11.11.3.2.4). */
import { randomBytes } from 'node:crypto';
import { split } from './card.ts';
import type { Scp02Session } from './scp02-host.ts';
import type { Scp03Session } from './scp03-host.ts';
import { kcv, type Seal, type SymmetricKey } from './stored-keys.ts';
import { bytes, hex, tlv } from './tlv.ts';

/** STORE DATA of this P1 in blocks; the first status word that is an error, or the last. */
export async function store(
  session: Scp02Session | Scp03Session,
  p1: number,
  data: Buffer,
  size = 200,
): Promise<string> {
  const blocks = split(data, size);
  let sw = '';
  for (const [i, block] of blocks.entries()) {
    const header = hex(Buffer.of(0x80, 0xe2, i === blocks.length - 1 ? p1 | 0x80 : p1, i));
    ({ sw } = await session.send(header, block));
    if (sw !== '9000') break;
  }
  return sw;
}

/** `id, length, value`; the length on three bytes over 254. */
export function dgi(id: string, value: Uint8Array): Buffer {
  const length =
    value.length < 0xff ? Buffer.of(value.length) : Buffer.of(0xff, value.length >> 8, value.length & 0xff);
  return Buffer.concat([bytes(id), length, value]);
}

const hex2 = (value: number): string => value.toString(16).padStart(2, '0');

/** `B9 {80 type, 81 length, 82 KID, 83 KVN, [84 KCV]}`. */
export function keyTemplate(key: SymmetricKey, id: string, version: string): Buffer {
  const check = kcv(key);
  const objects = ['80 01', key.type, '81 01', hex2(key.value.length), '82 01', id, '83 01', version].join('');
  return tlv('B9', objects, check.length === 0 ? '' : tlv('84', check));
}

/** A key's 8113, padded to whole blocks. */
export function secretKey(key: SymmetricKey, seal: Seal, block: number): Buffer {
  const padding = randomBytes((block - (key.value.length % block)) % block);
  return dgi('8113', seal(Buffer.concat([key.value, padding])));
}
