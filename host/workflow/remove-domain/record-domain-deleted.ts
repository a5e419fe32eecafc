// SPDX-License-Identifier: Apache-2.0
import { cardIdText } from '../../store/card-id.ts';
import { recordDeleted } from '../../store/issuer/applications.ts';
import { forgetDelegatedDomain } from '../../store/issuer/content-tokens.ts';
import { markDeleted } from '../../store/issuer/security-domain-resources.ts';
import { forgetSeen } from '../../store/issuer/seen-registry.ts';
import type { DeletionProof } from '../../wire/message/security-domain-resource.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { DomainRemovalStart } from './context.ts';

/** E8: the domain is no more, with what the card said of it. */
export async function recordDomainDeleted(
  { request, caller, proof }: DomainRemovalStart & { readonly proof: DeletionProof },
  { database }: InstallContext,
) {
  const { cardId, ssdAid } = request;
  await markDeleted(database, { providerId: caller, card: cardIdText(cardId), ssdAid, proof });
  await forgetDelegatedDomain(database, cardId, ssdAid);
  await forgetSeen(database, cardId, [{ kind: 'application', aid: ssdAid }]);
  await recordDeleted(database, { cardId, providerId: caller, aid: ssdAid });
  return {};
}
