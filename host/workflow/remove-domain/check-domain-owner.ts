// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { DomainRemovalStart } from './context.ts';

/**
 * E3: a domain goes at the word of the provider for whom it was made, and of nobody else.
 *
 * @throws PolicyError `not-your-domain`, before anything is touched
 */
export async function checkDomainOwner({ request, caller }: DomainRemovalStart, { database }: InstallContext) {
  const provider = await findProvider(database, caller);
  const own = (await listApplications(database, request.cardId)).find(({ aid }) => aid === request.ssdAid);
  if (provider === undefined || own?.provider_id !== caller)
    throw new PolicyError('not-your-domain', `This provider has no domain ${request.ssdAid} on this card`);
  return { relayBaseUrl: provider.baseUrl };
}
