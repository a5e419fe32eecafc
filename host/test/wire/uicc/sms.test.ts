// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../../setup/soak/runs.ts';
import { decodeCommand, encodeCommand } from '../../../wire/apdu.ts';
import { concat, fromHex, toHex } from '../../../wire/hex.ts';
import { countParts, Joiner, splitPacket } from '../../../wire/uicc/concatenation.ts';
import { decodeCatAddress, encodeCatAddress, type SmsAddress } from '../../../wire/uicc/sms-address.ts';
import { decodeSmsPpDownload, encodeSmsPpDownload, envelope } from '../../../wire/uicc/sms-pp-download.ts';
import {
  decodeSmsDeliver,
  decodeSmsSubmit,
  encodeSmsDeliver,
  encodeSmsSubmit,
  isSevenBit,
  type SmsDeliver,
  type SmsSubmit,
} from '../../../wire/uicc/sms-tpdu.ts';
import {
  decodeUserDataHeader,
  ELEMENT,
  encodeConcatenation,
  encodeUserDataHeader,
  findConcatenation,
} from '../../../wire/uicc/user-data-header.ts';
import { anyByte, anyBytes, checkCodec } from './codec-properties.ts';

interface EnvelopeVector {
  readonly name: string;
  readonly apdu: string;
  readonly originator: string;
  readonly serviceCentre: string;
  readonly packet: string;
  /** Offset in the message of a byte whose high nibble fills an odd count of digits with something else than F. */
  readonly fillerAt?: number;
}

const vectors: readonly EnvelopeVector[] = JSON.parse(
  readFileSync(new URL('../../vectors/uicc/envelopes.json', import.meta.url), 'utf8'),
);

const anyAddress: fc.Arbitrary<SmsAddress> = fc.oneof(
  fc.record({ type: fc.constantFrom(0x81, 0x91, 0x10), digits: fc.stringMatching(/^[0-9*#abc]{0,20}$/) }),
  fc.record({ type: fc.constant(0xd0), digits: fc.stringMatching(/^[0-9A-F]{0,20}$/) }),
);
const eightBit = fc.record({ dcs: fc.constantFrom(0xf6, 0x04, 0xf5, 0x08), userData: anyBytes(0, 140) });
const sevenBit = fc.integer({ min: 0, max: 160 }).chain((septets) => {
  const length = Math.ceil((septets * 7) / 8);
  return fc.record({
    dcs: fc.constantFrom(0x00, 0xf2),
    septets: fc.constant(septets),
    userData: anyBytes(length, length),
  });
});
const anyUserData = fc.oneof(eightBit, sevenBit);
const anyDeliver: fc.Arbitrary<SmsDeliver> = fc
  .tuple(
    fc.record({
      originator: anyAddress,
      pid: anyByte,
      timeStamp: anyBytes(7, 7),
      hasHeader: fc.boolean(),
      moreMessages: fc.boolean(),
      statusReport: fc.boolean(),
      replyPath: fc.boolean(),
    }),
    anyUserData,
  )
  .map(([fields, userData]) => ({ ...fields, ...userData }));
const anyValidity = fc.oneof(
  fc.record({ format: fc.constant('none' as const), value: anyBytes(0, 0) }),
  fc.record({ format: fc.constant('relative' as const), value: anyBytes(1, 1) }),
  fc.record({ format: fc.constantFrom('enhanced' as const, 'absolute' as const), value: anyBytes(7, 7) }),
);
const anySubmit: fc.Arbitrary<SmsSubmit> = fc
  .tuple(
    fc.record({
      destination: anyAddress,
      reference: anyByte,
      pid: anyByte,
      validity: anyValidity,
      hasHeader: fc.boolean(),
      rejectDuplicates: fc.boolean(),
      statusReport: fc.boolean(),
      replyPath: fc.boolean(),
    }),
    anyUserData,
  )
  .map(([fields, userData]) => ({ ...fields, ...userData }));
const anyElements = fc.array(fc.record({ id: anyByte, data: anyBytes(0, 20) }), { maxLength: 6 });
const anyKind = fc.constantFrom(ELEMENT.COMMAND_PACKET, ELEMENT.RESPONSE_PACKET);

describe('short messages', () => {
  checkCodec({ name: 'SMS-DELIVER', values: anyDeliver, encode: encodeSmsDeliver, decode: decodeSmsDeliver });
  checkCodec({ name: 'SMS-SUBMIT', values: anySubmit, encode: encodeSmsSubmit, decode: decodeSmsSubmit });
  checkCodec({
    name: 'SMS-PP download',
    values: fc.record({ serviceCentre: anyAddress.filter(canBeCounted), tpdu: anyBytes(0, 180) }),
    encode: encodeSmsPpDownload,
    decode: decodeSmsPpDownload,
  });
  checkCodec({
    name: 'user data header',
    values: anyElements,
    encode: encodeUserDataHeader,
    decode: (bytes) => [...decodeUserDataHeader(bytes).elements],
  });
  checkCodec({
    name: 'address of the toolkit',
    values: anyAddress.filter(canBeCounted),
    encode: encodeCatAddress,
    decode: decodeCatAddress,
    complete: () => true,
  });

  for (const { name, apdu, originator, serviceCentre, packet, fillerAt } of vectors) {
    it(`reads and writes the ENVELOPE of ${name}`, () => {
      const download = decodeSmsPpDownload(decodeCommand(fromHex(apdu)).data);
      const message = decodeSmsDeliver(download.tpdu);
      expect(message.originator.digits).to.equal(originator);
      expect(download.serviceCentre?.digits).to.equal(serviceCentre);
      const { elements, body } = decodeUserDataHeader(message.userData);
      expect(elements).to.deep.equal([{ id: ELEMENT.COMMAND_PACKET, data: new Uint8Array() }]);
      expect(toHex(body)).to.equal(packet);
      const [userData = new Uint8Array()] = splitPacket(ELEMENT.COMMAND_PACKET, body, 0);
      const tpdu = encodeSmsDeliver({ ...message, userData });
      const written = encodeCommand(envelope(encodeSmsPpDownload({ ...download, tpdu })));
      const expected = fromHex(apdu);
      if (fillerAt !== undefined) expected[fillerAt] = (expected[fillerAt] ?? 0) | 0xf0;
      expect(toHex(written)).to.equal(toHex(expected));
    });
  }

  it('cuts packets into the least messages and joins them in any order, parts doubled', () => {
    const shuffled = anyBytes(0, 1200).chain((packet) => {
      const order = Array.from({ length: countParts(packet.length) }, (_, index) => index);
      return fc.tuple(fc.constant(packet), fc.shuffledSubarray(order, { minLength: order.length }), anyByte, anyKind);
    });
    fc.assert(
      fc.property(shuffled, ([packet, order, reference, kind]) => {
        const parts = splitPacket(kind, packet, reference);
        expect(parts.length).to.equal(countParts(packet.length));
        const joiner = new Joiner();
        const joined = order.flatMap((index) => {
          const part = parts[index] ?? new Uint8Array();
          expect(part.length).to.be.at.most(140);
          const whole = joiner.add('1234', part);
          return whole === undefined ? [joiner.add('1234', part)] : [whole];
        });
        expect(joined.filter((whole) => whole !== undefined)).to.deep.equal([{ kind, body: packet }]);
        expect(joiner.open).to.equal(0);
      }),
      { numRuns: soakRuns(200) },
    );
  });

  it('fills a first part with 132 bytes and later ones with 134', () => {
    expect([137, 138, 266, 267, 400, 401].map(countParts)).to.deep.equal([1, 2, 2, 3, 3, 4]);
    const [first, second] = splitPacket(ELEMENT.COMMAND_PACKET, new Uint8Array(200), 9);
    expect(toHex(first?.slice(0, 8) ?? new Uint8Array())).to.equal('0700030902017000');
    expect(first?.length).to.equal(140);
    expect(toHex(second?.slice(0, 6) ?? new Uint8Array())).to.equal('050003090202');
    expect(second?.length).to.equal(6 + 68);
  });

  it('joins parts with a 16-bit reference', () => {
    const part = (sequence: number) => {
      const place = { reference: 0x1234, wide: true, total: 2, sequence };
      return { place, data: concat(encodeUserDataHeader([encodeConcatenation(place)]), Uint8Array.of(sequence)) };
    };
    const joiner = new Joiner();
    const [one, two] = [part(1), part(2)];
    expect(findConcatenation(decodeUserDataHeader(one.data).elements)).to.deep.equal(one.place);
    expect(joiner.add('a', two.data)).to.equal(undefined);
    expect(joiner.add('a', one.data)).to.deep.equal({ kind: undefined, body: Uint8Array.of(1, 2) });
  });

  it('tells 7-bit coding schemes from others', () => {
    expect([0x00, 0x10, 0xf0, 0xf2, 0xc0, 0xd0].every(isSevenBit)).to.equal(true);
    expect([0x04, 0x14, 0xf4, 0xf6, 0x08, 0x18, 0xe0, 0x20, 0x31].some(isSevenBit)).to.equal(false);
  });
});

/** Without a count of digits, a last nibble F is a filler. */
function canBeCounted({ digits }: SmsAddress): boolean {
  return digits.length % 2 === 1 || !digits.endsWith('F');
}
