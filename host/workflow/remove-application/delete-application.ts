// SPDX-License-Identifier: Apache-2.0

import { cardIdText } from '../../store/card-id.ts';
import { forgetSeen } from '../../store/issuer/seen-registry.ts';
import { aid } from '../../wire/gp/aid.ts';
import { expecting, toPlainCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { sendProtected } from '../engine/protected-script.ts';
import type { RemovalFacts } from './context.ts';

const ROW: Parameters<typeof sendProtected>[2] = {
  numeral: 'R7',
  name: 'deleteApplication',
  from: 'issuer',
  to: 'card',
  commands: ['DELETE'],
};
const KEPT = [SW.CONDITIONS_NOT_SATISFIED, SW.REFERENCED_DATA_NOT_FOUND] as const;
const deleteFile = (file: string) => expecting(deleteObject(aid(file)), SW.NO_ERROR, ...KEPT);

/**
 * R7: DELETE of the instance where it is there, and then of the load file and the libraries that came with it, which
 * the card keeps while another instance is made of them or another file imports them (GPCS 11.2.2). For what was never
 * put there nothing is deleted: its load file may be another's.
 */
export async function* deleteApplication(
  { request, caller, instanceOnCard, unrecorded }: RemovalFacts & { readonly instanceOnCard: boolean },
  context: InstallContext,
) {
  const { auditLog, workflowId, database } = context;
  const { cardId, instanceAid, loadFileAid, productId, libraryAids = [], last } = request;
  const record = {
    ...{ numeral: 'R7', act: 'DELETE', workflowId, subject: `${cardIdText(cardId)} ${instanceAid}` },
    details: { provider: caller, product: productId },
  };
  if (unrecorded) {
    // With the last one the product leaves the card all the same.
    await auditLog.append({
      ...record,
      phase: 'after',
      act: 'nothing to delete',
      details: { ...record.details, last },
    });
    return {};
  }
  await auditLog.append({ ...record, phase: 'before' });
  const responses: readonly CardResponse[] = yield [
    ...(instanceOnCard ? [deleteObject(aid(instanceAid))] : []),
    deleteFile(loadFileAid),
  ].map(toPlainCommand);
  const answers = [responses.at(-1)];
  // What imports another goes before it. Each may end in an error, and so is alone in its script.
  const libraries = libraryAids.toReversed();
  for (const library of libraries)
    answers.push(...(await sendProtected([toPlainCommand(deleteFile(library))], context, ROW)));
  const files = [loadFileAid, ...libraries];
  await auditLog.append({ ...record, phase: 'after' });
  const gone = files.filter((_file, at) => answers[at]?.sw !== statusWordToHex(SW.CONDITIONS_NOT_SATISFIED));
  await forgetSeen(database, cardId, [
    { kind: 'application', aid: instanceAid },
    ...gone.map((file) => ({ kind: 'load-file', aid: file }) as const),
  ]);
  return {};
}
