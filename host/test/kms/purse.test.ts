// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { diversifyPurseKey, purseMac, purseTac, requirePurseKey } from '../../kms/purse-cryptograms.ts';
import { PurseService } from '../../service/kms/purse-service.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { OpenedLoad } from '../../wire/message/purse.ts';
import { datedMacData, loadMac1Data, loadTacData, purchaseTacData } from '../../wire/purse/transaction.ts';
import { encodeAmount, type PurseAlgorithm } from '../../wire/purse/values.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';
import { PROVIDERS } from './providers.ts';

interface Vector {
  readonly [field: string]: string;
}
const file = new URL('../vectors/purse/cryptograms.json', import.meta.url);
const vectors = JSON.parse(await readFile(file, 'utf8')) as {
  readonly diversification: readonly Vector[];
  readonly transactions: readonly Vector[];
};
const number = (hex = ''): number => Number.parseInt(hex, 16);

describe('cryptograms of the purse', () => {
  for (const { algorithm = '', master = '', serial = '', key } of vectors.diversification) {
    it(`diversify by serial, ${algorithm}`, () => {
      const made = diversifyPurseKey(algorithm as PurseAlgorithm, fromHex(master), fromHex(serial));
      expect(toHex(made)).to.equal(key);
    });
  }

  for (const vector of vectors.transactions) {
    it(`are those of the ${vector.name}`, () => {
      const algorithm = vector.algorithm as PurseAlgorithm;
      const { terminal = '', date = '', time = '', newLimit = '', oldLimit = '' } = vector;
      const facts = { type: number(vector.type), amount: number(vector.amount), terminal };
      const dateTime = `${date}${time}`;
      const session = {
        random: fromHex(vector.random ?? ''),
        counter: number(vector.counter),
        type: facts.type,
        ...(vector.kind === 'purchase' ? { terminalCounter: number(vector.terminalCounter) } : {}),
      };
      const mac = (data: Uint8Array): string => toHex(purseMac(algorithm, fromHex(vector.key ?? ''), session, data));
      const tac = (data: Uint8Array): string => toHex(purseTac(algorithm, fromHex(vector.tacKey ?? ''), data));
      const after = { balance: number(vector.balanceAfter), counter: session.counter };
      const rest = fromHex(`${vector.type}${terminal}`);
      switch (vector.kind) {
        case 'purchase':
          expect(mac(datedMacData(facts, dateTime))).to.equal(vector.mac1);
          expect(mac(encodeAmount(facts.amount))).to.equal(vector.mac2);
          expect(tac(purchaseTacData(facts, number(vector.terminalCounter), dateTime))).to.equal(vector.tac);
          break;
        case 'limit':
          expect(mac(concat(fromHex(`${vector.balance}${oldLimit}`), rest))).to.equal(vector.mac1);
          expect(mac(concat(fromHex(newLimit), rest, fromHex(dateTime)))).to.equal(vector.mac2);
          expect(
            tac(concat(fromHex(`${vector.balanceAfter}${vector.counter}${newLimit}`), rest, fromHex(dateTime))),
          ).to.equal(vector.tac);
          break;
        default:
          expect(mac(loadMac1Data(number(vector.balance), facts))).to.equal(vector.mac1);
          expect(mac(datedMacData(facts, dateTime))).to.equal(vector.mac2);
          if (vector.kind === 'unload') expect(mac(loadTacData(after, facts, dateTime))).to.equal(vector.mac3);
          else expect(tac(loadTacData(after, facts, dateTime))).to.equal(vector.tac);
      }
    });
  }

  it('refuse a TAC key whose halves are alike but for parity', () => {
    const alike = fromHex('10325476981032541132547698103255');
    expect(() => requirePurseKey('3des', 'tac', alike))
      .to.throw()
      .with.property('code', 'tac-key');
    expect(() => requirePurseKey('aes', 'tac', alike)).not.to.throw();
  });
});

for (const provider of PROVIDERS)
  describe(`the keys of purses in the KMS, ${provider.name} provider`, () => {
    const opened: OpenedLoad = {
      keySet: 'purse',
      serial: '4100000089999985',
      account: 'purse',
      amount: 0x1000,
      terminal: '001122334455',
      balance: 0,
      counter: 0,
      random: '11223344',
      mac1: '00000000',
    };

    it('are made once a label, sealed, and named by check values', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const service = new PurseService(keys.purseKeys);
      const [made, again] = await Promise.all([
        service.createKeySet({ label: 'purse', algorithm: 'aes' }),
        service.createKeySet({ label: 'purse', algorithm: 'aes' }),
      ]);
      expect(again).to.deep.equal(made);
      expect(Object.keys(made.checkValues)).to.deep.equal(['load', 'purchase', 'tac', 'unload', 'update']);
      expect(await failure(service.createKeySet({ label: 'purse', algorithm: '3des' }))).to.include({
        code: 'key-label-taken',
      });
      const reopened = await provider.open(folder.path);
      expect(
        await new PurseService(reopened.purseKeys).createKeySet({ label: 'purse', algorithm: 'aes' }),
      ).to.deep.equal(made);
      expect(await failure(service.queryLoad({ load: { ...opened, keySet: 'other' } }))).to.include({
        code: 'no-such-key',
      });
    });

    it('give MAC1 of a debit that the purse takes, and say so in the record', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const record: string[] = [];
      const service = new PurseService(keys.purseKeys, async (phase, act) => void record.push(`${phase} ${act}`));
      await service.createKeySet({ label: 'purse', algorithm: 'aes' });
      const { serial, amount, terminal, random } = opened;
      const [dateTime, terminalCounter, counter] = ['20251126101500', 9, 3];
      const asked = { keySet: 'purse', serial, account: 'purse', amount, terminal, random } as const;
      const { mac1 } = await service.authorizeDebit({ ...asked, dateTime, terminalCounter, counter });
      const session = { random: fromHex(random), counter, type: 6, terminalCounter };
      const wanted = await keys.purseKeys.withCardKeys('purse', serial, (algorithm, { purchase }) =>
        toHex(purseMac(algorithm, purchase.expose(), session, datedMacData({ type: 6, amount, terminal }, dateTime))),
      );
      expect(mac1).to.equal(wanted);
      expect(record.slice(2)).to.deep.equal(['before authorize debit', 'after authorize debit']);
    });

    it('give MAC2 only for a MAC1 that verifies, and say so in the record', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const record: string[] = [];
      const service = new PurseService(keys.purseKeys, async (phase, act) => void record.push(`${phase} ${act}`));
      await service.createKeySet({ label: 'purse', algorithm: 'aes' });
      const session = { random: fromHex(opened.random), counter: 0, type: 2 };
      const facts = { type: 2, amount: opened.amount, terminal: opened.terminal };
      const mac = (data: Uint8Array): Promise<string> =>
        keys.purseKeys.withCardKeys('purse', opened.serial, (algorithm, { load }) =>
          toHex(purseMac(algorithm, load.expose(), session, data)),
        );
      const dateTime = '20251126101500';
      const load = { ...opened, mac1: await mac(loadMac1Data(0, facts)) };
      expect(await service.queryLoad({ load })).to.deep.equal({ verified: true });
      expect((await service.authorizeLoad({ load, dateTime })).mac2).to.equal(await mac(datedMacData(facts, dateTime)));
      for (const wrong of [
        { amount: 0x1001 },
        { balance: 1 },
        { counter: 1 },
        { terminal: '001122334456' },
        { random: '11223345' },
      ]) {
        expect(await service.queryLoad({ load: { ...load, ...wrong } })).to.deep.equal({ verified: false });
        expect(await failure(service.authorizeLoad({ load: { ...load, ...wrong }, dateTime }))).to.include({
          code: 'purse-mac',
        });
      }
      expect(record.slice(2, 4)).to.deep.equal(['before authorize load', 'after authorize load']);
      expect(record.slice(4)).to.deep.equal(Array.from({ length: 5 }, () => 'failed authorize load'));
    });
  });
