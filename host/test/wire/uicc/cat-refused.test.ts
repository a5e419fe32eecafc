// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { WireError } from '../../../errors.ts';
import { fromHex } from '../../../wire/hex.ts';
import { catObject, encodeCatObject } from '../../../wire/uicc/cat-object.ts';
import { decodeEventDownload, decodeTimerExpiration } from '../../../wire/uicc/event-download.ts';
import {
  decodeProactiveCommand,
  encodeProactiveCommand,
  missingObjects,
  notUnderstood,
  proactiveName,
} from '../../../wire/uicc/proactive-command.ts';
import { decodeTerminalProfile, encodeTerminalProfile } from '../../../wire/uicc/terminal-profile.ts';
import { decodeTerminalResponse } from '../../../wire/uicc/terminal-response.ts';

/** GET CHANNEL STATUS followed by these objects. */
const withObjects = (objects: string) =>
  decodeProactiveCommand(
    fromHex(`D0${(9 + objects.length / 2).toString(16).padStart(2, '0')}810305440082028182${objects}`),
  );

describe('toolkit data that are refused', () => {
  for (const [name, text] of [
    ['another template', 'D109810302410082028121'],
    ['bytes after the template', 'D00981030241008202812100'],
    ['no device identities', 'D0058103024100'],
    ['command details of four bytes', 'D00A81040241000082028121'],
    ['its objects in another order', 'D009820281218103024100'],
    ['a length over 7F in one raw byte', `D0988103024100820281213681${'00'.repeat(144)}`],
    ['an object with an indefinite length', 'D00C810302410082028121B68000'],
    ['an object that passes the end', 'D00C810302410082028121B60200'],
    ['the tag 00', 'D00B8103024100820281210000'],
    ['a tag of three bytes', 'D00E8103024100820281217F36800100'],
    ['more objects than a command has', `D081D1810302410082028121${'0500'.repeat(100)}`],
  ] as const)
    it(`refuses a proactive command with ${name}`, () => {
      expect(text.length % 2, 'hex').to.equal(0);
      expect(() => decodeProactiveCommand(fromHex(text))).to.throw(WireError);
    });

  it('tells objects that do not fit their declaration from others, so that the command can be answered', () => {
    for (const object of ['B90105', 'BE020000', 'B80180', 'A503993000', 'FE00'])
      expect(notUnderstood(withObjects(object)).length, object).to.equal(1);
    for (const object of ['BE04210000FF', 'C7020261', 'C70403612062', 'C70400016100', 'C7020000'])
      expect(notUnderstood(withObjects(object)).length, object).to.equal(1);
    for (const object of ['C700', 'C7050361706E00'])
      expect(notUnderstood(withObjects(object)), object).to.deep.equal([]);
    expect(notUnderstood(withObjects('390105')), 'the card does not ask to understand it').to.deep.equal([]);
  });

  it('tells mandatory objects that are missing, and types that it does not know', () => {
    const open = decodeProactiveCommand(fromHex('D009810301400182028182'));
    expect(missingObjects(open)).to.deep.equal(['bufferSize']);
    expect(() => encodeProactiveCommand(open)).to.throw(WireError);
    const strange = decodeProactiveCommand(fromHex('D009810301770182028182'));
    expect([proactiveName(strange.type), missingObjects(strange)]).to.deep.equal([undefined, []]);
  });

  it('refuses responses and envelopes without what leads them', () => {
    for (const text of ['', '8103014001', '810301400182028281', '82028281810301400183010A', '81030140018202828183'])
      expect(() => decodeTerminalResponse(fromHex(text)), text).to.throw(WireError);
    for (const text of ['D60799010982028281AA', 'D60482028281', 'D6089902090A82028281', 'D7009901'])
      expect(() => decodeEventDownload(fromHex(text)), text).to.throw(WireError);
    for (const text of ['D70782028281A40101', 'D70C82028281A40101A503246000', 'D600'])
      expect(() => decodeTimerExpiration(fromHex(text)), text).to.throw(WireError);
  });

  it('refuses to write values out of range', () => {
    for (const object of [
      catObject('bufferSize', 0x10000),
      catObject('channelStatus', { channel: 8, link: 0, info: 0 }),
      catObject('channelStatus', { channel: 1, link: 0x20, info: 0 }),
      catObject('dataAddress', { family: 'ipv4', address: new Uint8Array(16) }),
      catObject('networkAccessName', ['a', '']),
      catObject('networkAccessName', ['a b']),
      catObject('textString', { text: Uint8Array.of(1) }),
      catObject('timerValue', { hours: 24, minutes: 0, seconds: 0 }),
      catObject('tone', 256),
      { kind: 'unknown', tag: 0x7f, required: true, value: new Uint8Array() } as const,
    ])
      expect(() => encodeCatObject(object), object.kind).to.throw(WireError);
    expect(() => encodeTerminalProfile({ features: [], channels: 8 })).to.throw(WireError);
    expect(() => decodeTerminalProfile(new Uint8Array(256))).to.throw(WireError);
  });
});
