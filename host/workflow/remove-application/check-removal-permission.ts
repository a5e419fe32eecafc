// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalStart } from './context.ts';

/**
 * R3: an application goes at the word of the provider and product for whom it was put there, and of nobody else. One
 * that nobody has on this card was never begun, or is gone: there is nothing to delete then, and R6 looks whether that
 * is so.
 *
 * @throws PolicyError before anything is touched
 */
export async function checkRemovalPermission({ request, caller }: RemovalStart, { database }: InstallContext) {
  const { cardId, instanceAid, loadFileAid, productId, libraryAids = [] } = request;
  const provider = await findProvider(database, caller);
  const own = (await listApplications(database, cardId)).find(({ aid }) => aid === instanceAid);
  const isOwn =
    own === undefined ||
    (own.provider_id === caller &&
      (own.product_id ?? productId) === productId &&
      (own.load_file_aid ?? loadFileAid) === loadFileAid &&
      libraryAids.every((library) => own.libraries?.some(({ aid }) => aid === library) !== false));
  if (provider === undefined || !isOwn)
    throw new PolicyError('not-your-application', `This product has no ${instanceAid} on this card`);
  return { relayBaseUrl: provider.baseUrl, ...(own === undefined ? { unrecorded: true as const } : {}) };
}
