// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { WireError } from '../../../errors.ts';
import { fromHex } from '../../../wire/hex.ts';
import { decodeCompactScript, encodeCompactScript } from '../../../wire/uicc/compact-script.ts';
import { decodeExpandedResponse, encodeExpandedResponse } from '../../../wire/uicc/expanded-response.ts';
import { chainScripts, decodeExpandedScript } from '../../../wire/uicc/expanded-script.ts';

const apdu = { cla: 0x00, ins: 0xa4, p1: 0, p2: 0, data: fromHex('3F00') };

describe('remote APDU formats that are refused', () => {
  for (const [name, text] of [
    ['another template', 'AB07220580E2900000'],
    ['a definite template with bytes after it', 'AA07220580E290000000'],
    ['an indefinite template without its end', 'AE80220580E2900000'],
    ['an indefinite template with bytes after its end', 'AE80220580E2900000000001'],
    ['the indefinite tag with a length', 'AE07220580E2900000'],
    ['the definite tag with indefinite length', 'AA80220580E29000000000'],
    ['an object that is none', 'AA022400'],
    ['chaining after a command', 'AA0A220580E2900000830101'],
    ['chaining of an unknown kind', 'AA03830104'],
    ['a command that is no APDU', 'AA04220280E2'],
    ['nested indefinite lengths', 'AE80228080E29000000000'],
  ] as const)
    it(`refuses ${name} as a script`, () => {
      expect(() => decodeExpandedScript(fromHex(text))).to.throw(WireError);
    });

  for (const [name, text] of [
    ['a definite one without count', 'AB0423029000'],
    ['a definite one with the count behind', 'AB0723029000800101'],
    ['a count of two bytes', 'AB0480020001'],
    ['an indefinite one with count', 'AF808001010000'],
    ['an R-APDU without status', 'AF802301900000'],
  ] as const)
    it(`refuses ${name} as a response`, () => {
      expect(() => decodeExpandedResponse(fromHex(text))).to.throw(WireError);
    });

  it('refuses more objects than a script may have', () => {
    expect(() => decodeExpandedScript(fromHex(`AE80${'8100'.repeat(257)}0000`))).to.throw(WireError);
  });

  it('refuses to write counts where they do not belong, and commands that no script takes', () => {
    expect(() => encodeExpandedResponse({ form: 'definite', items: [] })).to.throw(WireError);
    expect(() => encodeExpandedResponse({ form: 'indefinite', executed: 1, items: [] })).to.throw(WireError);
    const long = [{ kind: 'command' as const, apdu: { ...apdu, data: new Uint8Array(255) } }];
    const options = { form: 'definite' as const, maxBytes: 200, keepOverReset: false };
    expect(() => chainScripts(long, options)).to.throw(WireError);
  });

  it('refuses compact scripts that the card would cut at another place', () => {
    expect(() => encodeCompactScript([{ ...apdu, le: 256 }])).to.throw(WireError);
    expect(() => encodeCompactScript([{ ...apdu, ins: 0xb0 }])).to.throw(WireError);
    const read = { ...apdu, ins: 0xb0, data: new Uint8Array(), le: 10 };
    for (const ins of [0xb0, 0xcb]) expect(() => encodeCompactScript([{ ...read, ins }, apdu])).to.throw(WireError);
    for (const text of ['00A40000', '00A40000023F', '00B000000A00A40000023F00'])
      expect(() => decodeCompactScript(fromHex(text)), text).to.throw(WireError);
  });
});
