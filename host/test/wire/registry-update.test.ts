// SPDX-License-Identifier: Apache-2.0
/** INSTALL [for registry update], and [for make selectable] with parameters. GPCS 2.3.1 11.5.2.3.3, 11.5.2.3.5. */
import { expect } from 'chai';
import { aid } from '../../wire/gp/aid.ts';
import { type GpCommand, toCardCommand } from '../../wire/gp/command.ts';
import { installForMakeSelectable, installForRegistryUpdate } from '../../wire/gp/install.ts';
import { PRIVILEGE } from '../../wire/gp/privilege.ts';
import { decodeConfirmation, receiptInput } from '../../wire/gp/receipt.ts';
import { tokenInput } from '../../wire/gp/token.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

const application = aid('F00000000101');
const securityDomain = aid('F0000000025350');
const parameters = fromHex('EF03CF0140');

const ROWS: readonly (readonly [string, GpCommand, string])[] = [
  [
    'all of it',
    installForRegistryUpdate({ application, securityDomain, privileges: PRIVILEGE.CARD_RESET, parameters }),
    '80E640001B 07F0000000025350 00 06F00000000101 03040000 05EF03CF0140 00 00',
  ],
  ['nothing but the name', installForRegistryUpdate({ application }), '80E640000C 00 00 06F00000000101 00 00 00 00'],
  [
    'the card itself',
    installForRegistryUpdate({ parameters: fromHex('EF03D90120') }),
    '80E640000B 00 00 00 00 05EF03D90120 00 00',
  ],
  [
    'make selectable',
    installForMakeSelectable(application, { parameters }),
    '80E6080014 00 00 06F00000000101 03000000 05EF03CF0140 00 00',
  ],
];

describe('INSTALL [for registry update]', () => {
  for (const [name, command, apdu] of ROWS)
    it(`with ${name} has the bytes of its clause`, () => {
      expect(toCardCommand(command).apdus).to.deep.equal([apdu.replaceAll(' ', '')]);
    });

  it('is signed by its token up to the parameters', () => {
    expect(toHex(tokenInput(installForRegistryUpdate({ application, parameters })))).to.equal(
      '4000100000 06F00000000101 00 05EF03CF0140'.replaceAll(' ', ''),
    );
  });

  it('has a receipt over domains, application and privileges, and an empty field behind them', () => {
    const confirmation = decodeConfirmation(fromHex('04AABBCCDD 020001 020102'.replaceAll(' ', '')));
    if (confirmation === undefined) throw new Error('a confirmation');
    const act = { kind: 'registry update', from: securityDomain, object: application, to: securityDomain } as const;
    const signed = (privileges: Uint8Array): string => toHex(receiptInput(confirmation, { ...act, privileges }));
    const names = '020001020102 07F0000000025350 06F00000000101 07F0000000025350'.replaceAll(' ', '');
    expect(signed(fromHex('040000'))).to.equal(`${names}0304000000`);
    expect(signed(new Uint8Array())).to.equal(`${names}0000`);
  });
});
