// SPDX-License-Identifier: Apache-2.0
import { type Aid, aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { ChangeContext, ChangeStart } from './context.ts';

const { APPLICATIONS, LOAD_FILES } = REGISTRY;
const WAY = { from: 'provider', to: 'card' } as const;

/**
 * C4: is it done already? Then an answer was lost, or somebody else did it: there will be no receipt. GET STATUS may
 * end in an error, and so each is alone in its script.
 */
export async function* lookAtContent({ act, mayStay }: ChangeStart, context: ChangeContext) {
  // What may stay is a load file: an application of this name is somebody else's.
  if (act.act === 'delete' && mayStay === true) return { application: false, done: false };
  const [name, subset] = soughtBy(act);
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  const found = await findEntry({ subset, name, first }, context, { numeral: 'C4', name: 'lookAtContent', ...WAY });
  return { application: found !== undefined, done: act.act !== 'delete' && isDone(act, found) };
}

/** C4a: what is to be deleted may be a load file. */
export async function* lookAtLoadFile(
  { act, application, done }: ChangeStart & { readonly application: boolean; readonly done: boolean },
  context: ChangeContext,
) {
  if (act.act !== 'delete' || application) return { done };
  const [name] = soughtBy(act);
  const [first]: readonly CardResponse[] = yield [statusOf(LOAD_FILES, name)];
  const row = { numeral: 'C4a', name: 'lookAtLoadFile', ...WAY };
  return { done: (await findEntry({ subset: LOAD_FILES, name, first }, context, row)) === undefined };
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
