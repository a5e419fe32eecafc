// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { WireError } from '../../../errors.ts';
import { aid } from '../../../wire/gp/aid.ts';
import { keyReference } from '../../../wire/gp/key-reference.ts';
import { fromHex } from '../../../wire/hex.ts';
import {
  ADMIN_PROTOCOL,
  decodeAdminAnswer,
  decodeAdminRequest,
  encodeAdminAnswer,
  encodeAdminRequest,
  type HeaderField,
} from '../../../wire/uicc/admin-http.ts';
import { decodeAdminTrigger, encodeAdminTrigger } from '../../../wire/uicc/admin-trigger.ts';
import { decodePskIdentity, encodePskIdentity } from '../../../wire/uicc/psk-identity.ts';

const protocol: HeaderField = ['X-Admin-Protocol', ADMIN_PROTOCOL];
const from: HeaderField = ['X-Admin-From', 'agent'];

describe('remote administration that is refused', () => {
  const requests: readonly (readonly [string, readonly HeaderField[]])[] = [
    ['no protocol', [from]],
    ['another protocol', [from, ['X-Admin-Protocol', 'globalplatform-remote-admin/2.0']]],
    ['two agents', [protocol, from, ['x-admin-from', 'other']]],
    ['an unknown resume', [protocol, from, ['X-Admin-Resume', 'perhaps']]],
    [
      'a content type of another version',
      [protocol, from, ['Content-Type', 'application/vnd.etsi.scp.response-data;version=2.0']],
    ],
    [
      'the content type of a server',
      [protocol, from, ['Content-Type', 'application/vnd.etsi.scp.command-data;version=1.0']],
    ],
    ['a value over its limit', [protocol, ['X-Admin-From', 'a'.repeat(1025)]]],
    ['a line break in a value', [protocol, ['X-Admin-From', 'a\r\nX: b']]],
    ['an empty value', [protocol, ['X-Admin-From', '']]],
  ];
  for (const [name, fields] of requests)
    it(`refuses a request with ${name}`, () => {
      expect(() => decodeAdminRequest(fields)).to.throw(WireError);
    });

  const answers: readonly (readonly [string, readonly HeaderField[]])[] = [
    ['another protocol', [['X-Admin-Protocol', 'globalplatform-remote-admin/2.0']]],
    ['a next URI that is no path', [protocol, ['X-Admin-Next-URI', 'http://other/']]],
    ['a space in the next URI', [protocol, ['X-Admin-Next-URI', '/a b']]],
    ['a target with a short RID', [protocol, ['X-Admin-Targeted-Application', '//aid/A0000001/51']]],
    ['a target with a long PIX', [protocol, ['X-Admin-Targeted-Application', `//aid/A000000151/${'00'.repeat(12)}`]]],
    ['a target that is no AID', [protocol, ['X-Admin-Targeted-Application', '//se-id/A000000151/']]],
    ['the content type of a web page', [protocol, ['Content-Type', 'text/html']]],
  ];
  for (const [name, fields] of answers)
    it(`refuses an answer with ${name}`, () => {
      expect(() => decodeAdminAnswer(fields)).to.throw(WireError);
    });

  it('writes no value that would begin another header field', () => {
    for (const text of ['/a\r\nSet-Cookie: b', '/a\nb', '/a\0', '/\u00e9', 'a'])
      expect(() => encodeAdminAnswer({ nextUri: text }), JSON.stringify(text)).to.throw(WireError);
    for (const text of ['a\r\nb', '', ' a', 'a '.repeat(600)])
      expect(() => encodeAdminRequest({ from: text, resume: false }), JSON.stringify(text)).to.throw(WireError);
  });

  for (const [name, text] of [
    ['another tag', '8000'],
    ['bytes after it', '810000'],
    ['an object that does not belong there', '81028400'],
    ['session parameters in another order', '8109830789008403350103'],
    ['no key in a list of keys', '81048302A500'],
    ['a key without identity', '8108830685040002' + '4001'],
    ['a key reference of one byte', '81088306850401490140'],
    ['a byte after the kind of hash', '810C830A8508014902400101' + '0202'],
    ['a retry without timer', '81068304' + '86020003'],
    ['a retry with a time that is none', '810B8309' + '86070003' + '2503990000'],
    ['an unprintable host', '810783058903' + '8A010A'],
    ['DNS without connection', '8105B303' + 'D60161'],
  ] as const)
    it(`refuses a trigger with ${name}`, () => {
      expect(() => decodeAdminTrigger(fromHex(text))).to.throw(WireError);
    });

  it('writes no trigger that a card could not read', () => {
    const key = keyReference(0x40, 1);
    for (const session of [
      { security: [] },
      { security: [{ pskIdentity: new Uint8Array(), key }] },
      { security: [{ pskIdentity: new Uint8Array(256), key }] },
      { security: Array.from({ length: 17 }, () => ({ pskIdentity: Uint8Array.of(1), key })) },
      { http: { uri: '/a b' } },
      { http: { host: '' } },
    ])
      expect(() => encodeAdminTrigger({ session })).to.throw(WireError);
  });

  it('refuses identities of another form', () => {
    const identity = encodePskIdentity({ eid: new Uint8Array(16), aid: aid('A000000151'), key: keyReference(0x40, 1) });
    for (const text of [
      '',
      'ID01',
      identity.replace('800102', '800101'),
      `${identity}00`,
      identity.replace('830140', '830180'),
    ])
      expect(() => decodePskIdentity(text), text).to.throw(WireError);
    const short = { eid: new Uint8Array(15), aid: aid('A000000151'), key: keyReference(0x40, 1) };
    expect(() => encodePskIdentity(short)).to.throw(WireError);
  });
});
