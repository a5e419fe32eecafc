// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import { sendProtected } from '../engine/protected-script.ts';
import { type InstallContext, type InstallFacts, namedFile } from './context.ts';
import { requireKnownFile } from './load-file-on-card.ts';

const ROW: Parameters<typeof sendProtected>[2] = {
  numeral: 'D6a',
  name: 'readLibraries',
  from: 'issuer',
  to: 'card',
  commands: ['GET STATUS'],
};
const ACCEPTED = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;

/**
 * D6a: GET STATUS of each library that comes with the application, by its name, however many load files the card has:
 * what is there is not loaded. Each may end in an error, and so is alone in its script.
 *
 * @throws ConflictError `load-file-unknown` as D6
 */
export async function* readLibraries(facts: InstallFacts, context: InstallContext) {
  const present: string[] = [];
  for (const [at, library] of (facts.request.libraries ?? []).entries()) {
    const name = aid(library.loadFileAid);
    const command = getStatus(REGISTRY.LOAD_FILES, { prefix: name });
    const asked = [toPlainCommand(command)];
    const responses: readonly CardResponse[] = at === 0 ? yield asked : await sendProtected(asked, context, ROW);
    const entries = decodeGetStatus(responseData(command, responses[0], ...ACCEPTED));
    const found = entries.find((entry) => sameBytes(entry.aid, name));
    if (found === undefined) continue;
    await requireKnownFile(namedFile(library), found, facts, context);
    present.push(library.loadFileAid);
  }
  return { librariesPresent: present as readonly string[] };
}
