// SPDX-License-Identifier: Apache-2.0
/** GET ATTESTATION from a card, checked against applet/README.md 5.7 byte by byte. */
import { createHash, verify } from 'node:crypto';
import { expect } from 'chai';
import { CASD_SERIAL, CIN, IIN, type TestCard } from './card.ts';
import { EXPONENT, type RsaKey, rsaKey } from './keys.ts';
import { publicKeyOf } from './scp10-host.ts';
import { bytes, hex, objects, tlv, valueAt } from './tlv.ts';

export const attestationRequest = (nonce = '5A'.repeat(16)): string => `80CAFF60129410${nonce}00`;

/** A trust point as D covers it. */
export interface AttestedTrustPoint {
  readonly kvn: string;
  readonly key: RsaKey;
  readonly reference?: Buffer;
}

/** D: SHA-256 over KID, KVN, key and holder reference of the one trust point. */
export function trustPointDigest({ kvn, key, reference }: AttestedTrustPoint): Buffer {
  const parts = [bytes('01'), bytes(kvn), tlv('81', key.n), tlv('82', EXPONENT), tlv('42', reference ?? '')];
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** What a domain attests, with the CASD's signature verified over the bytes as they came. */
export interface Attested {
  readonly aid: string;
  readonly reference: string;
  readonly modulus: string;
  readonly digest: string;
  readonly keys: string;
  readonly owned: boolean;
  /** 01 delegated, 02 in the owner's own session. */
  readonly maker: string;
  readonly provider: string;
}

const TAGS = ['4F', '42', '45', '93', '80', '84', '7F49', '90', 'E0', '8A', '8B', '5F20', '94', '9E'];

/** Reads the selected domain's attestation. */
export async function attest(card: TestCard, nonce = '5A'.repeat(16)): Promise<Attested> {
  const value = valueAt(bytes(await card.ok(attestationRequest(nonce))), 'FF60');
  const fields = objects(value);
  expect(fields.map(({ tag }) => tag)).deep.equal(TAGS);
  const field = (tag: string): string => hex(valueAt(value, tag));
  const as = (tag: string): Buffer => tlv(tag, valueAt(value, tag));
  const identity = Buffer.concat(['4F', '42', '45', '93'].map(as));
  const attested = Buffer.concat(TAGS.slice(4, -1).map(as));
  const signed = Buffer.concat([identity, tlv('A0', createHash('sha256').update(attested).digest())]);
  const key = publicKeyOf(rsaKey('casd', 2048).n);
  expect(verify('sha256', signed, key, valueAt(value, '9E')), 'signature of the CASD').equal(true);
  expect([field('42'), field('45'), field('93'), field('80'), field('94')]).deep.equal([
    IIN,
    CIN,
    CASD_SERIAL,
    '02',
    nonce,
  ]);
  return {
    aid: field('4F'),
    reference: field('84'),
    modulus: hex(valueAt(value, '7F49', '81')),
    digest: field('90'),
    keys: hex(as('E0')),
    owned: field('8A') === '01',
    maker: field('8B'),
    provider: field('5F20'),
  };
}
