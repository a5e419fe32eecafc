// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { WireError } from '../../../errors.ts';
import { fromHex } from '../../../wire/hex.ts';
import { Joiner, splitPacket } from '../../../wire/uicc/concatenation.ts';
import { encodeCatAddress } from '../../../wire/uicc/sms-address.ts';
import { decodeSmsPpDownload } from '../../../wire/uicc/sms-pp-download.ts';
import { decodeSmsDeliver, decodeSmsSubmit, encodeSmsDeliver } from '../../../wire/uicc/sms-tpdu.ts';
import {
  decodeUserDataHeader,
  ELEMENT,
  encodeConcatenation,
  findConcatenation,
} from '../../../wire/uicc/user-data-header.ts';

const place = (reference: number, total: number, sequence: number) => ({ reference, wide: false, total, sequence });
const parts = (fill: number, reference: number): readonly [Uint8Array, Uint8Array] => {
  const [first, second] = splitPacket(ELEMENT.COMMAND_PACKET, new Uint8Array(200).fill(fill), reference);
  return [first ?? expect.fail(), second ?? expect.fail()];
};

describe('short messages that are refused', () => {
  it('refuses messages of another kind, too long, or with digits that are none', () => {
    for (const text of [
      '4103912143F57FF62270520000000000',
      '4015912143F57FF62270520000000000',
      '4002910F7FF62270520000000000',
    ])
      expect(() => decodeSmsDeliver(fromHex(text)), text).to.throw(WireError);
    expect(() => decodeSmsDeliver(fromHex(`4002911F7FF6227052000000008D${'00'.repeat(141)}`))).to.throw(WireError);
    expect(() => decodeSmsDeliver(fromHex('400291217FF6227052000000000100AA'))).to.throw(WireError);
    expect(() => decodeSmsSubmit(fromHex('400002912100F600'))).to.throw(WireError);
    expect(() => encodeCatAddress({ type: 0x91, digits: '12x' })).to.throw(WireError);
    expect(() => encodeCatAddress({ type: 0x91, digits: '1'.repeat(21) })).to.throw(WireError);
  });

  it('refuses to write fields that do not fit', () => {
    const message = {
      originator: { type: 0x91, digits: '12' },
      pid: 0x7f,
      dcs: 0xf6,
      timeStamp: new Uint8Array(7),
      hasHeader: true,
      moreMessages: false,
      statusReport: false,
      replyPath: false,
      userData: new Uint8Array(140),
    };
    expect(encodeSmsDeliver(message).length).to.equal(1 + 3 + 2 + 7 + 141);
    expect(() => encodeSmsDeliver({ ...message, userData: new Uint8Array(141) })).to.throw(WireError);
    expect(() => encodeSmsDeliver({ ...message, timeStamp: new Uint8Array(6) })).to.throw(WireError);
    expect(() => encodeSmsDeliver({ ...message, dcs: 0, septets: 8 })).to.throw(WireError);
  });

  it('refuses headers whose elements pass their end, and impossible places', () => {
    for (const text of ['0270', '02700100', '0300037001'])
      expect(() => decodeUserDataHeader(fromHex(text)), text).to.throw(WireError);
    const concatenation = (text: string) => findConcatenation([{ id: 0, data: fromHex(text) }]);
    for (const text of ['010000', '010200', '010203', '0102', '01020101'])
      expect(() => concatenation(text), text).to.throw(WireError);
    expect(() => encodeConcatenation(place(256, 2, 1))).to.throw(WireError);
    expect(() => splitPacket(ELEMENT.COMMAND_PACKET, new Uint8Array(255 * 134), 1)).to.throw(WireError);
  });

  it('refuses envelopes of another kind, without devices or without a message', () => {
    for (const text of ['D60482028381', 'D10482028381', 'D1048B020000', 'D108820281838B020000', 'D1048202838100'])
      expect(() => decodeSmsPpDownload(fromHex(text)), text).to.throw(WireError);
  });

  it('drops a message whose parts contradict each other', () => {
    const [one, two] = parts(1, 1);
    const [other] = parts(2, 1);
    const ofThree = splitPacket(ELEMENT.COMMAND_PACKET, new Uint8Array(300), 1);
    const joiner = new Joiner();
    joiner.add('a', one);
    expect(() => joiner.add('a', other)).to.throw(WireError);
    expect(joiner.add('a', two)).to.equal(undefined);
    expect(() => joiner.add('a', ofThree[2] ?? expect.fail())).to.throw(WireError);
    expect(joiner.open).to.equal(0);
    expect(() => joiner.add('a', fromHex('0500030103'))).to.throw(WireError);
    expect(() => joiner.add('a', fromHex('050003010203'))).to.throw(WireError);
  });

  it('keeps senders and references apart, and no more messages open than it may', () => {
    const [one, two] = parts(1, 1);
    const [, otherReference] = parts(1, 2);
    const joiner = new Joiner(2);
    joiner.add('a', one);
    expect(joiner.add('b', two)).to.equal(undefined);
    expect(joiner.add('a', otherReference)).to.equal(undefined);
    expect(joiner.open).to.equal(2);
    expect(joiner.add('a', two), 'the oldest went').to.equal(undefined);
  });
});
