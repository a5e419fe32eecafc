// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { WireError } from '../../errors.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import {
  creditForLoad,
  debitForPurchase,
  decodeLoadInitialized,
  decodeLoadProof,
  decodePurchaseInitialized,
  decodePurchaseProof,
  decodePurchaseTac,
  decodeTac,
  getTransactionProof,
  initializeForLoad,
  initializeForPurchase,
} from '../../wire/purse/commands.ts';
import { decodePurseSerial, encodePurseKeys, storePursePublicData } from '../../wire/purse/personalization.ts';
import {
  dateTimeOf,
  decodeAmount,
  encodeAmount,
  encodeCounter,
  encodeTerminal,
  MAX_AMOUNT,
} from '../../wire/purse/values.ts';

const apdus = (command: Parameters<typeof toCardCommand>[0]) => toCardCommand(command).apdus;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('the codecs of the purse', () => {
  it('write commands with the lengths that the card wants', () => {
    const load = { account: 'purse', keyIndex: 1, amount: 0x1000, terminal: '001122334455' } as const;
    expect(apdus(initializeForLoad(load))).to.deep.equal(['805000020B010000100000112233445510']);
    expect(apdus(creditForLoad('20111221214822', fromHex('3A845BF0')))).to.deep.equal([
      '805200000B201112212148223A845BF004',
    ]);
    expect(apdus(initializeForPurchase(load))).to.deep.equal(['805001020B01000010000011223344550F']);
    expect(apdus(debitForPurchase(1, '20120229135100', fromHex('F15CAB75')))).to.deep.equal([
      '805401000F0000000120120229135100F15CAB7508',
    ]);
    expect(apdus(getTransactionProof(2, 1))).to.deep.equal(['805A000202000100']);
    const data = { serial: '4100000089999985', maxDeposit: 0, maxPurse: 100_000 };
    expect(apdus(storePursePublicData(data))).to.deep.equal(['80E21000145A084100000089999985C10800000000000186A0']);
  });

  it('read back what INITIALIZE FOR LOAD answers, field by field', () => {
    fc.assert(
      fc.property(
        fc.nat(MAX_AMOUNT),
        fc.nat(0xffff),
        bytes(2),
        bytes(4),
        bytes(4),
        (balance, counter, kind, random, mac1) => {
          const read = decodeLoadInitialized(concat(encodeAmount(balance), encodeCounter(counter), kind, random, mac1));
          expect([read.balance, read.counter, toHex(read.random), toHex(read.mac1)]).to.deep.equal([
            ...[balance, counter, toHex(random), toHex(mac1)],
          ]);
          expect([read.keyVersion, read.algorithm]).to.deep.equal([...kind]);
        },
      ),
      { numRuns: soakRuns(100) },
    );
  });

  it('refuse answers of any other length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        const refuses = (read: (data: Uint8Array) => unknown) => expect(() => read(data)).to.throw(WireError);
        if (data.length !== 16) refuses(decodeLoadInitialized);
        if (data.length !== 4 && data.length !== 8) refuses(decodeLoadProof);
        if (data.length !== 4) refuses(decodeTac);
        if (data.length !== 15) refuses(decodePurchaseInitialized);
        if (data.length !== 8) for (const read of [decodePurchaseTac, decodePurchaseProof]) refuses(read);
      }),
      { numRuns: soakRuns(100) },
    );
    expect(toHex(decodeLoadProof(fromHex('00000000FF5C1389')))).to.equal('FF5C1389');
    // DEBIT answers TAC and MAC2, the proof MAC2 and TAC.
    expect(toHex(decodePurchaseTac(fromHex('F5B221C956988A13')))).to.equal('F5B221C9');
    expect(toHex(decodePurchaseProof(fromHex('56988A13F5B221C9')))).to.equal('F5B221C9');
    const { random, ...read } = decodePurchaseInitialized(fromHex('000010000003000000010111223344'));
    expect({ ...read, random: toHex(random) }).to.deep.equal({ balance: 0x1000, counter: 3, random: '11223344' });
  });

  it('keep amounts in four bytes, terminals in six, and time in UTC', () => {
    fc.assert(fc.property(fc.nat(MAX_AMOUNT), (cents) => decodeAmount(encodeAmount(cents)) === cents));
    for (const wrong of [-1, 0.5, MAX_AMOUNT + 1, Number.NaN]) expect(() => encodeAmount(wrong)).to.throw(WireError);
    for (const wrong of [-1, 0x1_0000, 1.5]) expect(() => encodeCounter(wrong)).to.throw(WireError);
    for (const wrong of ['', '0011223344', '00112233445566', 'zz'])
      expect(() => encodeTerminal(wrong)).to.throw(WireError);
    expect(dateTimeOf(new Date('2026-11-26T10:15:00.5Z'))).to.equal('20261126101500');
    expect(() => creditForLoad('2026', new Uint8Array(4))).to.throw(WireError);
  });

  it('read the serial from SELECT, and nothing from what is no FCI', () => {
    expect(decodePurseSerial(fromHex('6F11840AF06F70656E74736D5001A5035A0100'.replace('5A0100', 'C40100')))).to.equal(
      undefined,
    );
    expect(decodePurseSerial(fromHex('6F188406A00000000101A50E5A084100000089999985C402CAFE'))).to.equal(
      '4100000089999985',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (data) => {
        try {
          decodePurseSerial(data);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('fill key objects to whole units of the DEK', () => {
    const key = new Uint8Array(16).fill(7);
    const objects = encodePurseKeys({ load: key, purchase: key, tac: key, unload: key, update: key });
    expect(objects.length % 16).to.equal(0);
    expect(toHex(objects.slice(0, 5))).to.equal('C313010101');
  });
});
