// SPDX-License-Identifier: Apache-2.0
import { listLoadFiles } from '../../store/issuer/load-files.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { RemovalFacts } from './context.ts';

const ROW = { numeral: 'R6a', name: 'lookAtLoadFiles', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.LOAD_FILES;

/**
 * R6a: GET STATUS among load files of each that is to go, so that DELETE, which takes any object of the name, meets
 * none but a load file. Each may end in an error, and so is alone in its script. What a token was asked for and nothing
 * has proved goes from a domain of the provider's alone: of that name the issuer or the card's maker may have one.
 */
export async function* lookAtLoadFiles(
  { request, caller, files }: RemovalFacts & { readonly files: readonly string[] },
  context: InstallContext,
) {
  const { database } = context;
  const filesOnCard: string[] = [];
  const doubtful: string[] = [];
  for (const [at, file] of files.entries()) {
    const name = aid(file);
    const responses: readonly CardResponse[] = at === 0 ? yield [statusOf(subset, name)] : [];
    const found = await findEntry({ subset, name, first: responses[0] }, context, ROW);
    if (found === undefined) continue;
    const [row] = await listLoadFiles(database, request.cardId, [file]);
    const isProved = row !== undefined && row.state !== 'loading' && row.state !== 'unsure';
    const domain = found.securityDomain === undefined ? undefined : aidToHex(found.securityDomain);
    const domains = isProved ? [] : ((await findProvider(database, caller))?.aids ?? []);
    if (isProved || (domain !== undefined && domains.includes(domain))) filesOnCard.push(file);
    else doubtful.push(file);
  }
  const going = files.filter((file) => !doubtful.includes(file));
  return { files: going, filesOnCard: filesOnCard as readonly string[] };
}
