// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { requireOwnNames } from '../../store/issuer/applications.ts';
import { requireNotReported } from '../../store/issuer/card-arrivals.ts';
import { providerOfProduct } from '../../store/issuer/card-products.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import { AID, aidToHex } from '../../wire/gp/aid.ts';
import { applicationRowOf, type InstallContext, type InstallStart } from './context.ts';

/**
 * D3: may this provider have this application put into this domain? The domain's AID must be registered as its own, the
 * product too, neither load file nor instance may carry a name of the issuer's or of another product on this card, and
 * nobody has reported the card lost.
 *
 * @throws PolicyError, ConflictError `aid-taken`, `load-file-taken`, before anything is touched
 */
export async function checkInstallPermission({ request, caller }: InstallStart, { database }: InstallContext) {
  const provider = await findProvider(database, caller);
  if (provider?.permissions.includes('install-application') !== true) {
    throw new PolicyError(
      'provider-not-permitted',
      'This provider may not have applications installed: ask the issuer for the permission install-application',
      { provider: caller },
    );
  }
  if (!provider.aids.includes(request.ssdAid)) {
    throw new PolicyError('aid-not-registered', `The AID ${request.ssdAid} is not registered for this provider`, {
      provider: caller,
    });
  }
  if ((await providerOfProduct(database, request.productId)) !== caller) {
    throw new PolicyError(
      'product-not-registered',
      `${request.productId} is not registered as this provider's product`,
    );
  }
  await requireNotReported(database, request.cardId);
  const own = aidToHex(AID.SECURITY_DOMAIN_PACKAGE);
  const libraries = (request.libraries ?? []).map(({ loadFileAid }) => loadFileAid);
  const names = [request.loadFileAid, request.instanceAid, request.moduleAid, ...libraries];
  if (names.some((name) => name.startsWith(own)) || request.instanceAid === request.ssdAid) {
    throw new PolicyError('aid-reserved', 'An application of a provider has no AID of the security domains');
  }
  await requireOwnNames(database, applicationRowOf({ request, caller }));
  return { relayBaseUrl: provider.baseUrl };
}
