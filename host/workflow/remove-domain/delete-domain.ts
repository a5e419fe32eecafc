// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { DeletionProof } from '../../wire/message/security-domain-resource.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { listEntries, statusOf } from '../registry-entry.ts';
import type { DomainRemovalStart } from './context.ts';

const ROW = { numeral: 'E7', name: 'deleteDomain', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.APPLICATIONS;

/**
 * E7: DELETE of the domain where it is there, with its keys; the card refuses while something is in it (GPCS 11.2.2).
 * The answers come in the ISD's session with response MACs, but no MAC is over an error status word: the domain is gone
 * where DELETE was answered with 9000, or where the card lists all its applications, one at least, and not this domain.
 *
 * @throws SecureChannelError `domain-not-gone` when the registry names it still; `absence-unproved` when it was not
 *   there to delete and the card lists nothing
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
  const name = aid(ssdAid);
  const prefix = domainOnCard ? name : new Uint8Array();
  const responses: readonly CardResponse[] = yield [
    ...(domainOnCard ? [toPlainCommand(deleteObject(name))] : []),
    statusOf(subset, prefix),
  ];
  const { entries, isWhole } = await listEntries({ subset, prefix, first: responses.at(-1) }, context, ROW);
  if (entries.some((entry) => sameBytes(entry.aid, name)))
    throw new SecureChannelError('domain-not-gone', `The card lists ${ssdAid} still: delete it once more`);
  const deleted = domainOnCard ? responses[0] : undefined;
  if (deleted?.sw !== statusWordToHex(SW.NO_ERROR) && !(isWhole && entries.length > 0))
    throw new SecureChannelError(
      'absence-unproved',
      `Nothing that bears the card's MAC says that ${ssdAid} is gone: delete it once more, and where the card has no ` +
        'other application, make the domain anew first',
    );
  const answer = deleted === undefined ? {} : { statusWord: deleted.sw, confirmation: deleted.data };
  const proof: DeletionProof = { ...answer, absent: true };
  await auditLog.append({ ...record, phase: 'after', details: { ...record.details, ...proof } });
  return { proof };
}
