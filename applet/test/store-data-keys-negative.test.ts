// SPDX-License-Identifier: Apache-2.0
/** What STORE DATA refuses of keys in groupings, whole. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, ISD } from './support/card.ts';
import { dgi, keyTemplate, secretKey, store } from './support/groupings.ts';
import { aes, withSets } from './support/key-sets.ts';
import { openScp03 } from './support/scp03-host.ts';
import type { SymmetricKey } from './support/stored-keys.ts';
import { tlv } from './support/tlv.ts';

describe('Keys in data groupings are refused, and nothing of their command stays,', () => {
  const key: SymmetricKey = { type: '88', value: randomBytes(16) };
  const template = keyTemplate(key, '01', '40');
  const last = (value: Buffer): Buffer =>
    Buffer.from(value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte)));
  const head = dgi('00B9', template);
  const hmac = Buffer.from(template.map((byte, i) => (i === 4 ? 0x90 : byte)));
  type Case = readonly [string, string, (secret: Buffer) => Buffer];
  const cases: readonly Case[] = [
    ['a wrong check value', '6982', (secret) => Buffer.concat([dgi('00B9', last(template)), secret])],
    ['a template without its key', '6A80', () => head],
    ['a key without its template', '6A80', (secret) => secret],
    [
      'an object between template and key',
      '6A80',
      (secret) => Buffer.concat([head, dgi('0070', tlv('42', '01')), secret]),
    ],
    ['a key too many', '6A80', (secret) => Buffer.concat([head, secret, secret])],
    [
      'a key without its template beside an object',
      '6A80',
      (secret) => Buffer.concat([dgi('0070', tlv('42', '0102')), secret]),
    ],
    [
      'a list without its key behind a whole one',
      '6A80',
      (secret) => Buffer.concat([head, secret, dgi('00B9', keyTemplate(key, '02', '40'))]),
    ],
    [
      'the check value of a pre-shared key',
      '6982',
      (secret) => Buffer.concat([dgi('00B9', last(keyTemplate({ ...key, type: '85' }, '01', '40'))), secret]),
    ],
    ['a check value of an HMAC key', '6A80', (secret) => Buffer.concat([dgi('00B9', hmac), secret])],
    [
      'more bytes than there is room beside a key',
      '6A80',
      (secret) => Buffer.concat(Array.from({ length: 20 }, () => Buffer.concat([head, secret]))),
    ],
    ['part of a block', '6A80', (secret) => Buffer.concat([head, dgi('8113', secret.subarray(3, 18))])],
    ['an empty key', '6A80', () => Buffer.concat([head, dgi('8113', Buffer.alloc(0))])],
    [
      'a key shorter than its template says',
      '6A80',
      (secret) => Buffer.concat([dgi('00B9', keyTemplate({ ...key, value: randomBytes(32) }, '01', '40')), secret]),
    ],
    ['a length that passes the end', '6A80', (secret) => Buffer.concat([head, secret.subarray(0, -1)])],
    ['a version of zero', '6A80', (secret) => Buffer.concat([dgi('00B9', keyTemplate(key, '01', '00')), secret])],
    [
      'a type there is not',
      '6A80',
      (secret) => Buffer.concat([dgi('00B9', keyTemplate({ ...key, type: 'A1' }, '01', '40')), secret]),
    ],
    ['another grouping beside them', '6A88', (secret) => Buffer.concat([head, secret, dgi('8112', Buffer.alloc(16))])],
    ['an object there is not', '6A88', (secret) => Buffer.concat([dgi('0070', tlv('C2', '01')), head, secret])],
  ];

  it(
    'for any fault in them',
    withSets(async (card) => {
      for (const [name, sw, data] of cases) {
        const session = await openScp03(card, aes, 0x03);
        const before = [await session.ok('80CA00E0'), await session.ok('80CA0042')];
        const secret = secretKey(key, (value) => session.seal(value), 16);
        expect(await store(session, 0x68, data(secret)), name).equal(sw);
        expect([await session.ok('80CA00E0'), await session.ok('80CA0042')], name).deep.equal(before);
      }
    }),
  );

  it(
    'in clear, and objects said to be enciphered, which none here are',
    withSets(async (card) => {
      const session = await openScp03(card, aes, 0x03);
      expect(await store(session, 0x70, session.seal(Buffer.alloc(16)))).equal('6A80');
      expect(await store(session, 0x60, tlv('42', '0102'))).equal('6A80');
      expect(await store(session, 0x48, head)).equal('6A86');
      await card.select(ISD);
      await card.ok(apdu('80E2E800', Buffer.concat([head, secretKey(key, (value) => value, 16)])), '6982');
    }),
  );
});
