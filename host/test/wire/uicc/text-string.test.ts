// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../../setup/soak/runs.ts';
import { fromHex } from '../../../wire/hex.ts';
import { decodeTextString } from '../../../wire/uicc/text-string.ts';

describe('a text that a card shows', () => {
  for (const [name, dcs, hex, text] of [
    ['packed in seven bits', 0x00, 'E8329BFD06', 'hello'],
    ['packed in seven bits, class 0', 0xf0, 'E8329BFD06', 'hello'],
    ['of seven characters, packed in seven bytes with an empty end', 0x00, '31D98C56B3DD00', '1234567'],
    ['of eight characters, packed in seven bytes', 0x00, '31D98C56B3DD70', '12345678'],
    ['in bytes', 0x04, '68656C6C6F', 'hello'],
    ['in bytes, class 2', 0xf6, '68656C6C6F', 'hello'],
    ['in bytes of the default alphabet', 0x04, '00027F', '@$à'],
    ['with characters behind an escape', 0x04, '351B65201B3C781B3E', '5€ [x]'],
    ['packed, with a character behind an escape', 0x00, 'B54D19', '5€'],
    ['with an escape that means nothing, and one at its end', 0x04, '1B63411B', ' cA '],
    ['in UCS2', 0x08, '004100E4041F', 'AäП'],
    ['of no length', 0x04, '', ''],
  ] as const)
    it(`is read ${name}`, () => {
      expect(decodeTextString(dcs, fromHex(hex))).to.equal(text);
    });

  it('is a text whatever its bytes are, and no longer than they', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 240 }), (dcs, bytes) => {
        expect(decodeTextString(dcs, bytes).length).to.be.most(Math.ceil((bytes.length * 8) / 7));
      }),
      { numRuns: soakRuns(200) },
    );
  });
});
