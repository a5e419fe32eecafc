// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { PolicyError } from '../../errors.ts';
import { requireDomainScript } from '../../service/issuer/domain-script.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';

const DOMAIN = 'F06F70656E74736D10AABBCCDD';
const APPLET = 'F06F70656E74736D2001';
const ISD = 'A000000151000000';

const own = { domain: DOMAIN, registered: [DOMAIN, APPLET] };
const run = (...apdus: string[]) => requireDomainScript([{ label: 'sent', apdus }], own);
const refusalOf = (apdu: string): string => {
  try {
    run(apdu);
    return 'passes';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('scripts of foreign TSMs', () => {
  it('may select their domain and what their owner registered, whole and by name', () => {
    const passing = [`00A404000D${DOMAIN}`, `00A404000D${DOMAIN}00`, `00A4040C0D${DOMAIN}`, `00A404000A${APPLET}00`];
    for (const apdu of passing) expect(refusalOf(apdu), apdu).to.equal('passes');
  });

  it('may send what their domain understands, in clear and wrapped', () => {
    for (const apdu of [
      '80CA00E000',
      '8050010008000102030405060700',
      `84E2000010${'00'.repeat(16)}`,
      '0CCA00E000',
      '00C0000010',
    ])
      expect(refusalOf(apdu), apdu).to.equal('passes');
  });

  const refused: Readonly<Record<string, readonly string[]>> = {
    'select-not-permitted': [
      ...['00A4040000', `00A4040008${ISD}`, '00A4040005F06F70656E', `00A404020D${DOMAIN}`, `00A404030D${DOMAIN}`],
      // By file identifier and by path; wrapped; proprietary; with another length than it has; extended.
      ...['00A40000023F00', '00A4080C047FFF6F07', `04A404000D${DOMAIN}`, `80A404000D${DOMAIN}`],
      ...[`00A404000C${DOMAIN}`, `00A404000D${DOMAIN}0000`, `00A4040000000D${DOMAIN}`, '00A40400'],
    ],
    'apdu-not-permitted': [
      // MANAGE CHANNEL, other channels of both forms, and classes of SIMs and of nobody.
      ...['0070000001', '80700000', `01A404000D${DOMAIN}`, '83CA00E0', `40A404000D${DOMAIN}`, 'C0CA00E0'],
      ...['A0A40000023F00', '20CA00E0', 'FFCA00E0'],
      // What a UICC takes from its terminal: a profile, a message as from the network, an answer to another's command.
      ...['801000000101', '80C2000003D10100', '801200000B', '8014000003810301', '80AA000000'],
    ],
    // VERIFY of a card's PIN, and of an application's; change, disabling, enabling, unblocking.
    'pin-not-permitted': [
      ...['002000010831323334FFFFFFFF', '0020008108FFFFFFFFFFFFFFFF', '00210001', '0024000110', '00260001', '00280001'],
      ...['002C000110', '0C200001', '10200001'],
    ],
    'apdu-length': ['', '00', '00A404'],
  };
  for (const [code, apdus] of Object.entries(refused))
    it(`are refused with ${code}`, () => {
      for (const apdu of apdus) expect(refusalOf(apdu), apdu).to.equal(code);
    });

  describe('about PINs', () => {
    const verify = '0020000104FFFFFFFF';
    const applet = `00A404000A${APPLET}00`;
    const script = (select: Partial<CardCommand>, ...then: string[]) =>
      requireDomainScript(
        [
          { label: 'SELECT', apdus: [applet], ...select },
          { label: 'sent', apdus: then },
        ],
        own,
      );

    it('go to an applet of theirs that the script has selected', () => {
      for (const select of [{}, { expect: ['9000'] }]) script(select, verify, '002C000108FFFFFFFFFFFFFFFF');
      run(applet, verify);
    });

    it('go nowhere behind the domain, or where the script goes on although the applet is not there', () => {
      const refusals: Readonly<Record<string, () => void>> = {
        'the domain': () => script({ apdus: [`00A404000D${DOMAIN}`] }, verify),
        'the domain, afterwards': () => script({}, `00A404000D${DOMAIN}`, verify),
        'before it': () => run(verify, applet),
        'whatever SELECT says': () => script({ anyStatus: true }, verify),
        'SELECT may say 6A82': () => script({ expect: ['9000', '6A82'] }, verify),
      };
      for (const [name, refusal] of Object.entries(refusals))
        expect(refusal, name).to.throw(PolicyError).with.property('code', 'pin-not-permitted');
    });
  });

  it('are refused as a whole, wherever in them it stands', () => {
    expect(() => run('80CA00E000', `00A4040008${ISD}`)).to.throw();
  });

  it('are refused for an AID that differs in one byte, and for what begins it', () => {
    const name = fromHex(DOMAIN, 16);
    const at = fc.integer({ min: 0, max: name.length - 1 });
    fc.assert(
      fc.property(at, fc.integer({ min: 1, max: 255 }), (index, change) => {
        const other = name.map((byte, place) => (place === index ? byte ^ change : byte));
        expect(refusalOf(`00A404000D${toHex(other)}`)).to.equal('select-not-permitted');
        const length = toHex(Uint8Array.of(index));
        expect(refusalOf(`00A40400${length}${toHex(name.subarray(0, index))}`)).to.equal('select-not-permitted');
      }),
      { numRuns: soakRuns(100) },
    );
  });
});
