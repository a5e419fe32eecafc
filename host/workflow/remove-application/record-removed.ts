// SPDX-License-Identifier: Apache-2.0
import { recordDeleted } from '../../store/issuer/applications.ts';
import { forgetCardProduct } from '../../store/issuer/card-products.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalFacts } from './context.ts';

/** R8: the application is no more; with the last one of its product the product is not on this card any more. */
export async function recordRemoved({ request }: RemovalFacts, { database }: InstallContext) {
  await recordDeleted(database, request.cardId, request.instanceAid);
  if (request.last) await forgetCardProduct(database, request.cardId, request.productId);
  return {};
}
