// SPDX-License-Identifier: Apache-2.0
/** An issuer's card that opens by SCP02 and by SCP03. */
import { apdu, type TestCard, withIssuerCard } from './card.ts';
import { desSetData, randomDesSet } from './scp02-host.ts';
import { keySetData, randomKeySet } from './scp03-host.ts';

const plain = (key: Buffer): Buffer => key;
export const des = randomDesSet('20');
export const aes = randomKeySet('30');

/** A SECURED issuer's card with an SCP02 and an SCP03 set. */
export function withSets(test: (card: TestCard) => Promise<void>): () => Promise<void> {
  return withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
    await card.ok(apdu('80D80081', desSetData(des, plain), true));
    await card.ok(apdu('80D80081', keySetData(aes, plain), true));
    await card.ok('80F0800F');
    await test(card);
  });
}
