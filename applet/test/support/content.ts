// SPDX-License-Identifier: Apache-2.0
/** Tokens, receipts and DAPs as GPCS 2.3.1 appendices B and C have them, by node:crypto alone. */
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { expect } from 'chai';
import { publicKeyData, type RsaKey, rsaKey } from './keys.ts';
import { retailMac } from './scp02-host.ts';
import { cmac, type Scp03Session } from './scp03-host.ts';
import { type SymmetricKey, symmetricField } from './stored-keys.ts';
import { berLength, bytes, hex, lv, tlv } from './tlv.ts';

/** A key of content management: how it signs, and the field by which PUT KEY brings it to the card. */
export interface Signer {
  readonly name: string;
  sign(data: Buffer): Buffer;
  field(session: Scp03Session): Buffer;
}

function rsa(bits: 1024 | 2048): Signer {
  const key: RsaKey = rsaKey('content', bits);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
  return {
    name: bits === 1024 ? 'RSA-1024 by PKCS#1 with SHA-1' : `RSA-${bits} by PSS with SHA-256`,
    sign: (data) =>
      sign(bits === 1024 ? 'sha1' : 'sha256', data, { key: key.privateKey, ...(bits === 1024 ? pkcs1 : pss) }),
    field: () => publicKeyData('70', key).subarray(1),
  };
}

function p256(): Signer {
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return {
    name: 'ECDSA on P-256',
    sign: (data) => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    field: () => Buffer.concat([tlv('B0', point), bytes('F0010000')]),
  };
}

function symmetric(name: string, key: SymmetricKey, mac: (data: Buffer) => Buffer): Signer {
  return { name, sign: mac, field: (session) => symmetricField(key, (data) => session.seal(data), 16, true) };
}

export function aesSigner(length: 16 | 24 | 32): Signer {
  const value = randomBytes(length);
  return symmetric(`AES-${length * 8} by CMAC`, { type: '88', value }, (data) => cmac(value, data));
}

export function desSigner(): Signer {
  const value = randomBytes(16);
  return symmetric('triple DES by retail MAC', { type: '80', value }, (data) =>
    retailMac(value, Buffer.alloc(8), data),
  );
}

export const signers = (): Signer[] => [rsa(1024), rsa(2048), p256(), aesSigner(16), aesSigner(32), desSigner()];

export async function putContentKey(session: Scp03Session, version: string, signer: Signer): Promise<void> {
  const { sw } = await session.send('80D80001', Buffer.concat([bytes(version), signer.field(session)]));
  expect(sw, `PUT KEY ${version}, ${signer.name}`).equal('9000');
}

/** `P1 P2 Lc' fields`, Lc' on three bytes over 255 (GPCS C.4). */
export function tokenInput(p1p2: string, fields: Buffer): Buffer {
  const length = fields.length;
  const coded = length > 255 ? Buffer.of(0, length >> 8, length & 0xff) : Buffer.of(length);
  return Buffer.concat([bytes(p1p2), coded, fields]);
}

/** INSTALL's fields with their token behind, or with none. */
export const withToken = (fields: Buffer, token: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([fields, berLength(token.length), token]);

export interface Confirmation {
  readonly receipt: Buffer;
  readonly counter: string;
  readonly unique: string;
  readonly data: Buffer;
}

/** `L receipt, 02 counter, L 42 and 45`. */
export function readConfirmation(answer: string): Confirmation {
  const whole = bytes(answer);
  const data = whole.subarray(1 + (whole[0] ?? 0));
  expect(data[0], 'length of the confirmation counter').equal(2);
  expect(data.length, 'nothing behind the unique data').equal(4 + (data[3] ?? 0));
  const receipt = whole.subarray(1, 1 + (whole[0] ?? 0));
  return { receipt, counter: hex(data.subarray(1, 3)), unique: hex(data.subarray(4)), data };
}

/** What a receipt is over: the confirmation's data, then the names of what was done. */
export const receiptInput = ({ data }: Confirmation, ...names: string[]): Buffer =>
  Buffer.concat([data, ...names.map((name) => lv(name))]);
