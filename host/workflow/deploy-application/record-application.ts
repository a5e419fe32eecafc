// SPDX-License-Identifier: Apache-2.0
import { recordCreated } from '../../store/issuer/applications.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import { recordLoaded } from '../../store/issuer/load-files.ts';
import { applicationRowOf, type InstallContext, type InstallFacts } from './context.ts';

/**
 * D8: the product is on this card, and not valid where that was reported lost or blocked meanwhile; the flow's end
 * tells the provider.
 */
export async function recordApplication({ request, caller }: InstallFacts, { database }: InstallContext) {
  const { cardId, providerId, loadFile, libraries } = applicationRowOf({ request, caller });
  await recordLoaded(database, { cardId, providerId, files: [loadFile, ...libraries] });
  await recordCreated(database, request.cardId, request.instanceAid);
  await recordCardProduct(database, request.cardId, request.productId);
  return {};
}
