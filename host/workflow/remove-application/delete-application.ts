// SPDX-License-Identifier: Apache-2.0

import { cardIdText } from '../../store/card-id.ts';
import { forgetSeen } from '../../store/issuer/seen-registry.ts';
import { aid } from '../../wire/gp/aid.ts';
import { expecting, toPlainCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalFacts } from './context.ts';

/**
 * R7: DELETE of the instance where it is there, and then of the load file, which the card keeps while another instance
 * is made of it (GPCS 11.2.2). For what was never put there nothing is deleted: its load file may be another's.
 */
export async function* deleteApplication(
  { request, caller, instanceOnCard, unrecorded }: RemovalFacts & { readonly instanceOnCard: boolean },
  { auditLog, workflowId, database }: InstallContext,
) {
  if (unrecorded) return {};
  const { cardId, instanceAid, loadFileAid, productId } = request;
  const record = {
    ...{ numeral: 'R7', act: 'DELETE', workflowId, subject: `${cardIdText(cardId)} ${instanceAid}` },
    details: { provider: caller, product: productId },
  };
  await auditLog.append({ ...record, phase: 'before' });
  const kept = [SW.CONDITIONS_NOT_SATISFIED, SW.REFERENCED_DATA_NOT_FOUND] as const;
  const responses: readonly CardResponse[] = yield [
    ...(instanceOnCard ? [deleteObject(aid(instanceAid))] : []),
    expecting(deleteObject(aid(loadFileAid)), SW.NO_ERROR, ...kept),
  ].map(toPlainCommand);
  await auditLog.append({ ...record, phase: 'after' });
  const keepsLoadFile = responses.at(-1)?.sw === statusWordToHex(SW.CONDITIONS_NOT_SATISFIED);
  await forgetSeen(database, cardId, [
    { kind: 'application', aid: instanceAid },
    ...(keepsLoadFile ? [] : [{ kind: 'load-file', aid: loadFileAid } as const]),
  ]);
  return {};
}
