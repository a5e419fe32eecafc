// SPDX-License-Identifier: Apache-2.0
import { type Aid, aid, aidToHex } from '../../wire/gp/aid.ts';
import { type GpCommand, responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { ChangeContext, ChangeStart } from './context.ts';

const { APPLICATIONS, LOAD_FILES } = REGISTRY;
const ACCEPTED = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;

/**
 * C4: is it done already? Then an answer was lost, or somebody else did it: there will be no receipt. GET STATUS may
 * end in an error, and so each is alone in its script.
 */
export async function* lookAtContent({ act, mayStay }: ChangeStart, _context: ChangeContext) {
  // What may stay is a load file: an application of this name is somebody else's.
  if (act.act === 'delete' && mayStay === true) return { application: false, done: false };
  const [name, subset] = soughtBy(act);
  const command = getStatus(subset, { prefix: name });
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  const found = entryOf(name, command, responses[0]);
  return { application: found !== undefined, done: act.act !== 'delete' && isDone(act, found) };
}

/** C4a: what is to be deleted may be a load file. */
export async function* lookAtLoadFile(
  { act, application, done }: ChangeStart & { readonly application: boolean; readonly done: boolean },
  _context: ChangeContext,
) {
  if (act.act !== 'delete' || application) return { done };
  const [name] = soughtBy(act);
  const command = getStatus(LOAD_FILES, { prefix: name });
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  return { done: entryOf(name, command, responses[0]) === undefined };
}

function entryOf(name: Aid, command: GpCommand, response: CardResponse | undefined): RegistryEntry | undefined {
  const entries = decodeGetStatus(responseData(command, response, ...ACCEPTED));
  return entries.find((entry) => sameBytes(entry.aid, name));
}

function soughtBy(act: ChangeStart['act']): readonly [Aid, number] {
  switch (act.act) {
    case 'load':
      return [aid(act.loadFileAid), LOAD_FILES];
    case 'install':
      return [aid(act.instanceAid), APPLICATIONS];
    default:
      return [aid(act.aid), APPLICATIONS];
  }
}

function isDone(act: ChangeStart['act'], found: RegistryEntry | undefined): boolean {
  if (act.act === 'load' || act.act === 'install') return found !== undefined;
  if (found === undefined) return true;
  const { securityDomain } = found;
  return act.act === 'extradite' && securityDomain !== undefined && aidToHex(securityDomain) === act.to;
}
