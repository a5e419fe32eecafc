// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { sendProtected } from '../engine/protected-script.ts';
import type { RemovalFacts } from './context.ts';

const ROW: Parameters<typeof sendProtected>[2] = {
  numeral: 'R6a',
  name: 'lookAtLoadFiles',
  from: 'issuer',
  to: 'card',
  commands: ['GET STATUS'],
};
const ACCEPTED = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;

/**
 * R6a: GET STATUS among load files of each that is to go, so that DELETE, which takes any object of the name, meets
 * none but a load file. Each may end in an error, and so is alone in its script.
 */
export async function* lookAtLoadFiles(
  { files }: RemovalFacts & { readonly files: readonly string[] },
  context: InstallContext,
) {
  const filesOnCard: string[] = [];
  for (const [at, file] of files.entries()) {
    const name = aid(file);
    const command = getStatus(REGISTRY.LOAD_FILES, { prefix: name });
    const asked = [toPlainCommand(command)];
    const responses: readonly CardResponse[] = at === 0 ? yield asked : await sendProtected(asked, context, ROW);
    const entries = decodeGetStatus(responseData(command, responses[0], ...ACCEPTED));
    if (entries.some((entry) => sameBytes(entry.aid, name))) filesOnCard.push(file);
  }
  return { filesOnCard: filesOnCard as readonly string[] };
}
