// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { contentKey } from '../../crypto/content-key.ts';
import { ConflictError, KeyError, NotFoundError, WireError } from '../../errors.ts';
import { ContentService } from '../../service/kms/content-service.ts';
import { aid } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { tokenInput } from '../../wire/gp/token.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';
import { PROVIDERS, type TestProvider } from './providers.ts';

const OBJECT = 'F0000000010101';
const command = deleteObject(aid(OBJECT));
const request = { ins: 0xe4 as const, p1: command.p1, p2: command.p2, data: toHex(command.data) };
const sealer = { encryptSensitive: (data: Uint8Array) => data };

/** The token of one key by another life of the KMS, and the PUT KEY of its card half. */
async function signed(provider: TestProvider, folder: string, label: string) {
  const keys = await provider.open(folder);
  const service = new ContentService(keys.contentKeys);
  const { token } = await service.signToken({ label, command: request });
  const put = (await service.putKey(label, 'test')).command(sealer);
  keys.close();
  return { token, put };
}

for (const provider of PROVIDERS)
  describe(`content keys of the KMS, ${provider.name} provider`, () => {
    for (const algorithm of ['rsa-1024', 'p-256', 'aes-256', '3des'] as const)
      it(`sign tokens with ${algorithm}, also after a restart, by what the card is given`, async () => {
        await using folder = await TestFolder.make();
        const keys = await provider.open(folder.path);
        const service = new ContentService(keys.contentKeys);
        const made = await service.createKey({ label: 'token', use: 'token', algorithm });
        expect(await service.createKey({ label: 'token', use: 'token', algorithm })).to.deep.equal(made);
        const key = await keys.contentKeys.use('token', 'token');
        const { token, put } = await signed(provider, folder.path, 'token');
        expect(key.verify(tokenInput(command), fromHex(token))).to.equal(true);
        expect([put.p2, put.data[0]]).to.deep.equal([1, 0x70]);
      });

    it('verify receipts, which are over the confirmation and the names', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const service = new ContentService(keys.contentKeys);
      await service.createKey({ label: 'receipt', use: 'receipt', algorithm: 'aes-128' });
      const secret = toHex((await service.putKey('receipt', 'test')).command(sealer).data.slice(4, 20));
      const data = fromHex('020007021122');
      const receipt = contentKey(`aes:${secret}`).sign(concat(data, Uint8Array.of(7), fromHex(OBJECT)));
      const confirmation = toHex(concat(Uint8Array.of(receipt.length), receipt, data));
      const asked = { label: 'receipt', confirmation, names: [OBJECT] };
      expect(await service.verifyReceipt(asked)).to.deep.equal({ verified: true, counter: 7 });
      const other = { ...asked, names: ['F0000000010102'] };
      expect(await service.verifyReceipt(other)).to.deep.equal({ verified: false, counter: 7 });
      expect(await failure(service.verifyReceipt({ ...asked, confirmation: '00' }))).to.be.instanceOf(WireError);
    });

    it('do what they are for and nothing else, and are seen by nobody', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const record: string[] = [];
      const service = new ContentService(keys.contentKeys, async (phase, act) => void record.push(`${phase} ${act}`));
      await service.createKey({ label: 'receipt', use: 'receipt', algorithm: 'aes-128' });
      const sign = { label: 'receipt', command: request };
      expect(await failure(service.signToken(sign))).to.be.instanceOf(KeyError);
      expect(await failure(service.signToken({ ...sign, label: 'none' }))).to.be.instanceOf(NotFoundError);
      const taken = { label: 'receipt', use: 'token', algorithm: 'aes-128' } as const;
      expect(await failure(service.createKey(taken))).to.be.instanceOf(ConflictError);
      const secret = toHex((await service.putKey('receipt', 'test')).command(sealer).data.slice(4, 20));
      const files = await Promise.all(
        (await readdir(folder.path)).map((name) => readFile(join(folder.path, name), 'utf8')),
      );
      expect(files.join('').toUpperCase()).not.to.contain(secret);
      expect(record).to.deep.equal([
        ...['before create content key', 'after create content key'],
        ...['before create content key', 'failed create content key'],
        ...['before put content key', 'after put content key'],
      ]);
    });
  });
