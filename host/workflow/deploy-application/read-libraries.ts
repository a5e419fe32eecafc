// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import { sendProtected } from '../engine/protected-script.ts';
import type { InstallContext, InstallFacts } from './context.ts';

const ROW: Parameters<typeof sendProtected>[2] = {
  numeral: 'D6a',
  name: 'readLibraries',
  from: 'issuer',
  to: 'card',
  commands: ['GET STATUS'],
};
const ACCEPTED = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;
const MORE = '6310';

/**
 * D6a: GET STATUS of all load files where libraries come with the application: those that the card has are not loaded.
 * What one answer does not hold is asked for in a further one.
 *
 * @throws LifeCycleError `too-many-load-files`
 */
export async function* readLibraries({ request }: InstallFacts, context: InstallContext) {
  if (request.libraries === undefined) return { librariesPresent: [] as readonly string[] };
  const command = getStatus(REGISTRY.LOAD_FILES);
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  const answers = [responses[0]];
  if (responses[0]?.sw === MORE) {
    const next = getStatus(REGISTRY.LOAD_FILES, { next: true });
    answers.push(...(await sendProtected([toPlainCommand(next)], context, ROW)));
  }
  if (answers[1]?.sw === MORE)
    throw new LifeCycleError('too-many-load-files', 'The card has more load files than two answers hold');
  const entries = answers.flatMap((answer) => decodeGetStatus(responseData(command, answer, ...ACCEPTED)));
  return { librariesPresent: entries.map((entry) => aidToHex(entry.aid)) as readonly string[] };
}
