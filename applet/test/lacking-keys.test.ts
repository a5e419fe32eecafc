// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { apdu, type CardOptions, ISD, withIssuerCard } from './support/card.ts';
import { desSetData, randomDesSet } from './support/scp02-host.ts';
import { keySetAnswer, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';

const plain = (key: Buffer): Buffer => key;

/** A card that has AES and triple DES in their shortest lengths alone, and AES in persistent objects alone. */
const poor: CardOptions = {
  lifeCycle: 'OP_READY',
  change: (image) => ({
    ...image,
    lacks: ['AES_192', 'AES_256', 'DES3_3KEY']
      .map((length) => `KeyBuilder.LENGTH_${length}`)
      .concat('KeyBuilder.TYPE_AES_TRANSIENT_DESELECT', 'KeyBuilder.TYPE_AES_TRANSIENT_RESET'),
  }),
};

describe('A card that lacks lengths of keys', () => {
  it(
    'has domains that work with the others, and refuses keys that it could not use',
    withIssuerCard(poor, async (card) => {
      for (const size of [24, 32])
        await card.ok(apdu('80D80081', keySetData(randomKeySet('31', size), plain), true), '6A80');
      const set = randomKeySet('30');
      expect(await card.ok(apdu('80D80081', keySetData(set, plain), true))).equal(keySetAnswer(set));
      await card.ok(apdu('80D80081', desSetData(randomDesSet('20'), plain), true));
      await card.ok('80F0800F');
      await card.select(ISD);
      const session = await openScp03(card, set);
      await session.ok('80CA0066');
      await card.select(ISD);
      await (await openIssuer(card)).ok('80CA0066');
    }),
  );
});
