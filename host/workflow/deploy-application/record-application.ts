// SPDX-License-Identifier: Apache-2.0
import { recordCreated } from '../../store/issuer/applications.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import { recordLoaded } from '../../store/issuer/load-files.ts';
import { applicationRowOf, type InstallContext, type InstallFacts } from './context.ts';
import type { OnCard } from './read-registry.ts';

/**
 * D8: the product is on this card, and not valid where that was reported lost or blocked meanwhile; the flow's end
 * tells the provider. Of the file that an older application is made of nobody has looked which one it is.
 */
export async function recordApplication(
  { request, caller, onCard }: InstallFacts & { readonly onCard: OnCard },
  { database }: InstallContext,
) {
  const { cardId, providerId, loadFile, libraries } = applicationRowOf({ request, caller });
  const isOlder = onCard.instanceDomain !== undefined;
  await recordLoaded(database, { cardId, providerId, files: isOlder ? libraries : [loadFile, ...libraries] });
  if (isOlder) await recordLoaded(database, { cardId, providerId, files: [loadFile] }, { from: ['loading'] });
  await recordCreated(database, { cardId, providerId, aid: request.instanceAid });
  await recordCardProduct(database, request.cardId, request.productId);
  return {};
}
