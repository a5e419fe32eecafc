// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { aid } from '../../../wire/gp/aid.ts';
import { keyReference } from '../../../wire/gp/key-reference.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import {
  type AdminAnswer,
  type AdminRequest,
  BODY_KINDS,
  decodeAdminAnswer,
  decodeAdminRequest,
  encodeAdminAnswer,
  encodeAdminRequest,
  SCRIPT_STATUS,
} from '../../../wire/uicc/admin-http.ts';
import { type AdminTrigger, decodeAdminTrigger, encodeAdminTrigger } from '../../../wire/uicc/admin-trigger.ts';
import { findValue } from '../../../wire/uicc/cat-object.ts';
import { decodePskIdentity, encodePskIdentity, type PskIdentity } from '../../../wire/uicc/psk-identity.ts';
import { anyObject, anyTimerValue } from './cat-arbitraries.ts';
import { anyByte, anyBytes, checkCodec } from './codec-properties.ts';

const vectors: { readonly trigger: { readonly name: string; readonly bytes: string } } = JSON.parse(
  readFileSync(new URL('../../vectors/uicc/scp81.json', import.meta.url), 'utf8'),
);

const anyKey = fc.tuple(fc.integer({ min: 1, max: 127 }), fc.nat(127)).map(([kvn, kid]) => keyReference(kvn, kid));
const anyAid = anyBytes(5, 16).map((value) => aid(value));
const anyText = fc.stringMatching(/^[!-~]{1,60}$/);
const anyUri = fc.stringMatching(/^\/[!-~]{0,60}$/);
const anyConnection = fc.array(anyObject, { maxLength: 5 });
const anySecurity = fc.record(
  { pskIdentity: anyBytes(1, 64), key: anyKey, hash: anyByte },
  { requiredKeys: ['pskIdentity', 'key'] },
);
const anyTrigger: fc.Arbitrary<AdminTrigger> = fc.record(
  {
    session: fc.record(
      {
        connection: anyConnection,
        security: fc.array(anySecurity, { minLength: 1, maxLength: 4 }),
        retry: fc.record({ count: fc.nat(0xffff), wait: anyTimerValue, failureReport: anyBytes(0, 30) }),
        http: fc.record({ host: anyText, agentId: anyText, uri: anyText }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    dns: fc.record({ domainName: anyText, connection: anyConnection }),
  },
  { requiredKeys: [] },
);
const anyBody = fc.constantFrom(...BODY_KINDS);
const anyRequest: fc.Arbitrary<AdminRequest> = fc.record(
  { from: anyText, scriptStatus: fc.constantFrom(...SCRIPT_STATUS), resume: fc.boolean(), body: anyBody },
  { requiredKeys: ['from', 'resume'] },
);
const anyAnswer: fc.Arbitrary<AdminAnswer> = fc.record(
  { nextUri: anyUri, target: anyAid, body: anyBody },
  { requiredKeys: [] },
);

describe('remote administration over HTTP', () => {
  checkCodec({ name: 'trigger', values: anyTrigger, encode: encodeAdminTrigger, decode: decodeAdminTrigger });
  checkCodec<PskIdentity>({
    name: 'PSK identity',
    values: fc.record({ eid: anyBytes(16, 16), aid: anyAid, key: anyKey }),
    encode: (value) => Buffer.from(encodePskIdentity(value), 'latin1'),
    decode: (bytes) => decodePskIdentity(Buffer.from(bytes).toString('latin1')),
  });

  it(`reads and writes the trigger with ${vectors.trigger.name}`, () => {
    const trigger = decodeAdminTrigger(fromHex(vectors.trigger.bytes));
    const { connection = [], ...session } = trigger.session ?? {};
    expect(session).to.deep.equal({
      security: [{ pskIdentity: fromHex('49443031'), key: keyReference(0x40, 1) }],
      retry: { count: 3, wait: { hours: 0, minutes: 5, seconds: 0 }, failureReport: new Uint8Array() },
      http: { host: 'adm.example', agentId: '//se-id/iccid/89', uri: '/adm?x=1' },
    });
    expect(findValue(connection, 'dataAddress')).to.deep.equal({ family: 'ipv4', address: fromHex('C0000201') });
    expect(toHex(encodeAdminTrigger(trigger))).to.equal(vectors.trigger.bytes);
  });

  it('reads the pause before a retry with and without comprehension required', () => {
    const retry = (tag: string) => fromHex(`810D830B86090003${tag}03005000AABB`);
    for (const tag of ['25', 'A5'])
      expect(decodeAdminTrigger(retry(tag)).session?.retry).to.deep.equal({
        count: 3,
        wait: { hours: 0, minutes: 5, seconds: 0 },
        failureReport: fromHex('AABB'),
      });
  });

  it('reads back the header fields of every request and answer, whatever the case and the other fields', () => {
    fc.assert(
      fc.property(anyRequest, anyAnswer, (request, answer) => {
        const others = [['Host', 'a'] as const, ['X-Other', 'b'] as const, ['x-other', 'c'] as const];
        const lower = encodeAdminRequest(request).map(([name, value]) => [name.toLowerCase(), value] as const);
        expect(decodeAdminRequest([...others, ...lower])).to.deep.equal(request);
        expect(decodeAdminAnswer([...encodeAdminAnswer(answer), ...others])).to.deep.equal(answer);
      }),
    );
  });

  it('takes an answer that names no protocol, as servers of others write it', () => {
    expect(decodeAdminAnswer([['X-Admin-Next-URI', '/2']])).to.deep.equal({ nextUri: '/2' });
  });

  it('writes the fields as the specification spells them', () => {
    expect(encodeAdminRequest({ from: 'agent', resume: false })).to.deep.equal([
      ['X-Admin-Protocol', 'globalplatform-remote-admin/1.0'],
      ['X-Admin-From', 'agent'],
    ]);
    const target = aid('A00000015153504341534400');
    const answer = { nextUri: '/x?req=2', target, body: 'card-content-management' as const };
    expect(encodeAdminAnswer(answer).slice(1)).to.deep.equal([
      ['X-Admin-Next-URI', '/x?req=2'],
      ['X-Admin-Targeted-Application', '//aid/A000000151/53504341534400'],
      ['Content-Type', 'application/vnd.globalplatform.card-content-mgt;version=1.0'],
    ]);
    expect(encodeAdminAnswer({ target: aid('A000000151') })[1]?.[1]).to.equal('//aid/A000000151/');
  });
});
