// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalStart } from './context.ts';

/**
 * R3: an application goes at the word of the provider for whom it was put there, and of nobody else.
 *
 * @throws PolicyError before anything is touched
 */
export async function checkRemovalPermission({ request, caller }: RemovalStart, { database }: InstallContext) {
  const provider = await findProvider(database, caller);
  const own = (await listApplications(database, request.cardId)).find(({ aid }) => aid === request.instanceAid);
  if (provider === undefined || own?.provider_id !== caller)
    throw new PolicyError('not-your-application', `This provider has no ${request.instanceAid} on this card`);
  return { relayBaseUrl: provider.baseUrl };
}
