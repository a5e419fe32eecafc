// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { unwrapKeyBlock, wrapKeyBlock } from '../../kms/key-block.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { KeyAttributes } from '../../wire/message/managed-keys.ts';
import { failure } from '../transport/framed-card.ts';
import { openPlatform, TestFolder, type TestPlatform } from './fixture.ts';
import { PROVIDERS } from './providers.ts';

/** The key under which cards' keys are kept goes to another KMS: two persons export it, and bring it in there. */

const COMMON = { owner: 'issuer:main', algorithm: 'aes', lengthBits: 128, keyUsage: 'K1', modeOfUse: 'B' } as const;
const BETWEEN = '0F'.repeat(16);
const KEYS = { enc: '11'.repeat(16), mac: '22'.repeat(16), dek: '33'.repeat(16) } as const;
const MAKER = '5A'.repeat(16);

const bring = async ({ kms }: TestPlatform, label: string, key: string): Promise<void> => {
  const attributes: KeyAttributes = { ...COMMON, label, exportability: 'E' };
  await kms.managedKeys.createFromComponents(attributes, fromHex(key), 'two operators');
  await kms.managedKeys.activate(label, 'alice');
};

const header = { algorithm: 'A', versionNumber: '00', exportability: 'N' } as const;
const block = (key: string, keyUsage: string, modeOfUse: string): string =>
  wrapKeyBlock(fromHex(MAKER), { ...header, keyUsage, modeOfUse }, fromHex(key));
const cards = [{ enc: block(KEYS.enc, 'D0', 'B'), mac: block(KEYS.mac, 'M6', 'C'), dek: block(KEYS.dek, 'K0', 'B') }];
const keep = { transportKey: 'maker', storageKey: 'card-keys', cards };

for (const provider of PROVIDERS)
  describe(`a storage key in another KMS, ${provider.name} provider`, function () {
    this.timeout(30_000);

    it('opens the channels of the cards it kept, also when rotated, and keeps none before that', async () => {
      await using folder = await TestFolder.make();
      await using other = await TestFolder.make();
      const before = await openPlatform(folder.path, { keys: await provider.open(folder.path) });
      const after = await openPlatform(other.path, { keys: await provider.open(other.path) });
      try {
        for (const platform of [before, after]) await bring(platform, 'maker', MAKER);
        await bring(before, 'between', BETWEEN);
        await before.kms.managedKeys.generate({ ...COMMON, label: 'card-keys', exportability: 'E' }, 'alice');
        await before.kms.managedKeys.activate('card-keys', 'alice');
        const [card = expect.fail('a card')] = (await before.kms.cardKeys.translate(keep)).cards;
        if (!('keyBlocks' in card)) expect.fail(card.message);
        const wanted = { act: 'export', label: 'card-keys', version: 1, transportKey: 'between' } as const;
        const { approvalId } = await before.kms.ceremonies.request(wanted, 'alice');
        const { keyBlock = '' } = await before.kms.ceremonies.approve(approvalId, 'bob');
        await bring(after, 'card-keys', toHex(unwrapKeyBlock(fromHex(BETWEEN), keyBlock).key));

        const opens = async (): Promise<void> => {
          const { enc, mac, dek } = await after.kms.cardKeys.open('card-keys', card.keyBlocks);
          expect([enc, mac, dek].map((key) => toHex(key.expose()))).to.deep.equal(Object.values(KEYS));
        };
        await opens();
        expect(await failure(after.kms.cardKeys.translate(keep))).to.include({ code: 'storage-key' });
        await after.kms.managedKeys.rotate('card-keys', 'alice');
        await opens();
        const [again = expect.fail('a card')] = (await after.kms.cardKeys.translate(keep)).cards;
        expect(again).to.have.nested.property('keyBlocks.version', 2);
      } finally {
        for (const { kms } of [before, after]) kms.close();
      }
    });
  });
