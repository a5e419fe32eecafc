// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { providerOfProduct } from '../../store/issuer/card-products.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { Permitted, RemovalStart } from './context.ts';
import { filesThatGo } from './files-that-go.ts';

/**
 * R3: an application goes at the word of the provider and product for whom it was put there, and of nobody else. One
 * that nobody has on this card was never begun, or is gone: there is nothing to delete then, and R6 looks whether that
 * is so. The product is the caller's own in each case: with its last application the issuer forgets it.
 * Load files go with it that rows say it was made of and this provider has brought, whatever the request names: after
 * an update that broke off the provider does not know which of two versions is there. The name of an application is
 * none.
 *
 * @throws PolicyError `product-not-registered`, `aid-not-registered`, `not-your-application`, before anything is
 *     touched
 */
export async function checkRemovalPermission(
  { request, caller }: RemovalStart,
  context: InstallContext,
): Promise<Permitted> {
  const { database } = context;
  const { cardId, ssdAid, instanceAid, productId } = request;
  const provider = await findProvider(database, caller);
  if (provider === undefined || (await providerOfProduct(database, productId)) !== caller)
    throw new PolicyError('product-not-registered', `${productId} is not registered as this provider's product`);
  if (!provider.aids.includes(ssdAid))
    throw new PolicyError('aid-not-registered', `The AID ${ssdAid} is not registered for this provider`);
  const rows = await listApplications(database, cardId);
  const own = rows.find(({ aid }) => aid === instanceAid);
  if (own === undefined) return { relayBaseUrl: provider.baseUrl, unrecorded: true as const };
  const files = await filesThatGo({ request, caller }, context, rows);
  const isOwn =
    own.provider_id === caller &&
    // A domain is deleted by E3 to E8.
    !provider.aids.includes(instanceAid) &&
    (own.product_id ?? productId) === productId &&
    !files.some((file) => rows.some(({ aid }) => aid === file));
  if (!isOwn) throw new PolicyError('not-your-application', `This product has no ${instanceAid} on this card`);
  return { relayBaseUrl: provider.baseUrl };
}
