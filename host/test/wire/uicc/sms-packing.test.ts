// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../../setup/soak/runs.ts';
import { WireError } from '../../../errors.ts';
import { concat, fromHex, toHex } from '../../../wire/hex.ts';
import { packSubmit } from '../../../wire/uicc/sms-packing.ts';
import { decodeSmsSubmit } from '../../../wire/uicc/sms-tpdu.ts';

/** As TS 23.038 6.1.2.1.1 draws it: bit by bit, from the lowest. */
function unpack(bytes: Uint8Array, septets: number): number[] {
  const bits = [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1));
  return Array.from({ length: septets }, (_, index) =>
    bits.slice(index * 7, index * 7 + 7).reduce((value, bit, at) => value | (bit << at), 0),
  );
}

const character = fc.nat(0x7f);

describe('packing of a card’s short message', () => {
  it('keeps every character, after a header too, and says seven bits', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.array(character, { maxLength: 130 }),
        fc.boolean(),
        fc.constantFrom(0xf4, 0xf6, 0x04, 0x14),
        (elements, text, hasHeader, dcs) => {
          const header = hasHeader ? concat(Uint8Array.of(elements.length), elements) : new Uint8Array();
          const data = concat(header, Uint8Array.from(text));
          const first = hasHeader ? 0x51 : 0x11;
          const lead = concat(Uint8Array.of(first, 7), fromHex('0491214300'), Uint8Array.of(dcs, 0xa7, data.length));
          const message = decodeSmsSubmit(packSubmit(concat(lead, data)));
          expect([message.dcs, message.reference, message.validity.value[0]]).to.deep.equal([dcs & ~4, 7, 0xa7]);
          expect(toHex(message.userData.slice(0, header.length))).to.equal(toHex(header));
          const septets = unpack(message.userData, message.septets ?? 0);
          expect(septets.slice(Math.ceil((header.length * 8) / 7))).to.deep.equal(text);
        },
      ),
      { numRuns: soakRuns(200) },
    );
  });

  it('takes 160 characters, which no message of 8 bits has', () => {
    const lead = fromHex('01000491214300F4A0');
    const packed = packSubmit(concat(lead, new Uint8Array(160).fill(0x41)));
    expect(decodeSmsSubmit(packed).septets).to.equal(160);
    const more = concat(fromHex('01000491214300F4A1'), new Uint8Array(161));
    expect(() => packSubmit(more)).to.throw(WireError);
  });

  it('leaves alone what is packed already, and what is of another alphabet', () => {
    for (const tpdu of ['01000491214300F00AE8329BFD4697D9EC37', '0100049121430008040041', '01000491214300E0020041'])
      expect(toHex(packSubmit(fromHex(tpdu)))).to.equal(tpdu);
  });

  it('refuses what is no SMS-SUBMIT, or ends early', () => {
    for (const tpdu of ['', '00000491214300F40141', '01000491214300F4', '01000491214300F40241', '41000491214300F40105'])
      expect(() => packSubmit(fromHex(tpdu)), tpdu).to.throw(WireError);
  });
});
