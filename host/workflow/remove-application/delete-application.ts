// SPDX-License-Identifier: Apache-2.0

import { cardIdText } from '../../store/card-id.ts';
import { recordTouching } from '../../store/issuer/application-requests.ts';
import { forgetAdopted, forgetLoadFiles, keepLoadFiles, releaseLoadFiles } from '../../store/issuer/load-files.ts';
import { forgetSeen } from '../../store/issuer/seen-registry.ts';
import { aid } from '../../wire/gp/aid.ts';
import { expecting, toPlainCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import { inTurn } from '../content-turn.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { sendProtected } from '../engine/protected-script.ts';
import { findEntry } from '../registry-entry.ts';
import type { RemovalFacts } from './context.ts';

type Looked = {
  readonly instanceOnCard: boolean;
  readonly files: readonly string[];
  readonly filesOnCard: readonly string[];
};

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
 * R7: DELETE of the instance where it is there, and then of the load file and the libraries that R6a has seen, which
 * the card keeps while another instance is made of them or another file imports them (GPCS 11.2.2). For what was never
 * put there nothing is deleted: its load file may be another's. Its answers may be lost: what it is to delete is known
 * no more from before it leaves, until the card says what became of it. No MAC is over a refusal: what is kept the card
 * shows once more.
 *
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile
 */
export async function* deleteApplication(
  { request, caller, turn, instanceOnCard, unrecorded, files, filesOnCard }: RemovalFacts & Looked,
  context: InstallContext,
) {
  const { auditLog, workflowId, database } = context;
  const { cardId, instanceAid, productId, last } = request;
  const record = {
    numeral: 'R7',
    act: 'DELETE',
    workflowId,
    subject: `${cardIdText(cardId)} ${instanceAid}`,
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
  const whose = { cardId, providerId: caller };
  const known = await inTurn(context, { cardId, turn }, (transaction) => releaseLoadFiles(transaction, whose, files));
  await recordTouching(database, workflowId);
  await auditLog.append({ ...record, phase: 'before' });
  const [first, ...others] = filesOnCard;
  const commands = [
    ...(instanceOnCard ? [deleteObject(aid(instanceAid))] : []),
    ...(first === undefined ? [] : [deleteFile(first)]),
  ];
  const responses: readonly CardResponse[] = commands.length === 0 ? [] : yield commands.map(toPlainCommand);
  const answers = first === undefined ? [] : [responses.at(-1)];
  // Each may end in an error, and so is alone in its script.
  for (const file of others) answers.push(...(await sendProtected([toPlainCommand(deleteFile(file))], context, ROW)));
  await auditLog.append({ ...record, phase: 'after' });
  const refused = filesOnCard.filter((_file, at) => answers[at]?.sw === statusWordToHex(SW.CONDITIONS_NOT_SATISFIED));
  const gone = files.filter((file) => !refused.includes(file));
  const stayed: string[] = [];
  for (const file of refused)
    if ((await findEntry({ subset: REGISTRY.LOAD_FILES, name: aid(file) }, context, ROW)) !== undefined)
      stayed.push(file);
  await inTurn(context, { cardId, turn }, async (transaction) => {
    await forgetLoadFiles(transaction, whose, gone);
    const kept = stayed.filter((file) => known.includes(file));
    await keepLoadFiles(transaction, whose, kept);
    await forgetAdopted(transaction, whose, stayed);
  });
  await forgetSeen(database, cardId, [
    { kind: 'application', aid: instanceAid },
    ...gone.map((file) => ({ kind: 'load-file', aid: file }) as const),
  ]);
  return {};
}
