// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { DeletionProof } from '../../wire/message/security-domain-resource.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { DomainRemovalStart } from './context.ts';
import { isListed, statusOfDomain } from './look-for-domain.ts';

const ROW = { numeral: 'E7', name: 'deleteDomain', from: 'issuer', to: 'card' } as const;

/**
 * E7: DELETE of the domain where it is there, with its keys; the card refuses while something is in it (GPCS 11.2.2).
 * The answers come in the ISD's session with response MACs: they are the card's.
 *
 * @throws SecureChannelError `domain-not-gone` when the registry names it still
 */
export async function* deleteDomain(
  { request, caller, domainOnCard }: DomainRemovalStart & { readonly domainOnCard: boolean },
  context: InstallContext,
) {
  const { auditLog, workflowId } = context;
  const { cardId, ssdAid } = request;
  const record = {
    numeral: 'E7',
    act: 'DELETE',
    workflowId,
    subject: `${cardIdText(cardId)} ${ssdAid}`,
    details: { provider: caller },
  };
  await auditLog.append({ ...record, phase: 'before' });
  const responses: readonly CardResponse[] = yield [
    ...(domainOnCard ? [toPlainCommand(deleteObject(aid(ssdAid)))] : []),
    statusOfDomain(ssdAid),
  ];
  if (await isListed(ssdAid, responses.at(-1), context, ROW))
    throw new SecureChannelError('domain-not-gone', `The card said that it deleted ${ssdAid} and lists it still`);
  const [deleted] = responses;
  const answer = domainOnCard && deleted !== undefined ? { statusWord: deleted.sw, confirmation: deleted.data } : {};
  const proof: DeletionProof = { ...answer, absent: true };
  await auditLog.append({ ...record, phase: 'after', details: { ...record.details, ...proof } });
  return { proof };
}
