// SPDX-License-Identifier: Apache-2.0
/** A SECURED card whose issuer opens by SCP02 and SCP03. */
import { apdu, type CardOptions, type TestCard, withIssuerCard } from './card.ts';
import { desSetData, randomDesSet } from './scp02-host.ts';
import { type KeySet, keySetData, randomKeySet } from './scp03-host.ts';

export interface IssuerSets {
  readonly des: KeySet;
  readonly aes: KeySet;
}

const plain = (key: Buffer): Buffer => key;

export function withIssuerSets(
  options: CardOptions,
  test: (card: TestCard, sets: IssuerSets) => Promise<void>,
): () => Promise<void> {
  return withIssuerCard({ ...options, lifeCycle: 'OP_READY' }, async (card) => {
    const sets = { des: randomDesSet('20'), aes: randomKeySet('30') };
    await card.ok(apdu('80D80081', desSetData(sets.des, plain), true));
    await card.ok(apdu('80D80081', keySetData(sets.aes, plain), true));
    await card.ok('80F0800F');
    await test(card, sets);
  });
}
