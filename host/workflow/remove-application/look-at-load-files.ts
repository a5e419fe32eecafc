// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { RemovalFacts } from './context.ts';

const ROW = { numeral: 'R6a', name: 'lookAtLoadFiles', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.LOAD_FILES;

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
    const responses: readonly CardResponse[] = at === 0 ? yield [statusOf(subset, name)] : [];
    if ((await findEntry({ subset, name, first: responses[0] }, context, ROW)) !== undefined) filesOnCard.push(file);
  }
  return { filesOnCard: filesOnCard as readonly string[] };
}
