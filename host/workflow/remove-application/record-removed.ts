// SPDX-License-Identifier: Apache-2.0
import { hasProduct, recordDeleted } from '../../store/issuer/applications.ts';
import { forgetCardProduct } from '../../store/issuer/card-products.ts';
import { inTurn } from '../content-turn.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalFacts } from './context.ts';

/**
 * R8: the application is no more; with the last one of its product, which the rows confirm, the product is not on this
 * card any more.
 *
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile
 */
export async function recordRemoved({ request, caller, turn }: RemovalFacts, { database }: InstallContext) {
  const { cardId, instanceAid, productId, last } = request;
  await inTurn({ database }, { cardId, turn }, (transaction) =>
    recordDeleted(transaction, { cardId, providerId: caller, aid: instanceAid }),
  );
  if (last && !(await hasProduct(database, cardId, productId)))
    await forgetCardProduct(database, cardId, { productId, providerId: caller });
  return {};
}
