// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { listApplications, recordDeleted } from '../../store/issuer/applications.ts';
import { forgetDelegatedDomain } from '../../store/issuer/content-tokens.ts';
import type { Turn } from '../../store/issuer/content-turns.ts';
import { markDeleted } from '../../store/issuer/security-domain-resources.ts';
import { forgetSeen } from '../../store/issuer/seen-registry.ts';
import type { DeletionProof } from '../../wire/message/security-domain-resource.ts';
import { inTurn } from '../content-turn.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { DomainRemovalStart } from './context.ts';

type Done = DomainRemovalStart & { readonly turn: Turn; readonly proof: DeletionProof };

/**
 * E8: the domain is no more, with what the card said of it.
 *
 * @throws ConflictError `domain-made-anew` when its provider has asked for a domain of this name since E5
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile
 */
export async function recordDomainDeleted({ request, caller, turn, proof }: Done, { database }: InstallContext) {
  const { cardId, ssdAid } = request;
  await inTurn({ database }, { cardId, turn }, async (transaction) => {
    const rows = await listApplications(transaction, cardId);
    // Turns and rows stand in one order.
    if (rows.some((row) => row.aid === ssdAid && BigInt(row.since) > BigInt(turn)))
      throw new ConflictError('domain-made-anew', `${ssdAid} was asked for anew while it was deleted: delete it again`);
    const own = transaction as unknown as typeof database;
    await markDeleted(own, { providerId: caller, card: cardIdText(cardId), ssdAid, proof });
    await forgetDelegatedDomain(transaction, cardId, ssdAid);
    await forgetSeen(own, cardId, [{ kind: 'application', aid: ssdAid }]);
    await recordDeleted(transaction, { cardId, providerId: caller, aid: ssdAid });
  });
  return {};
}
