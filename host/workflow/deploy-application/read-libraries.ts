// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import { type InstallContext, type InstallFacts, namedFile } from './context.ts';
import { fileDomainOf, requireKnownFile } from './load-file-on-card.ts';

const ROW = { numeral: 'D6a', name: 'readLibraries', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.LOAD_FILES;

/**
 * D6a: GET STATUS of each library that comes with the application, by its name, however many load files the card has:
 * what is there is not loaded. Each may end in an error, and so is alone in its script.
 *
 * @throws ConflictError `load-file-unknown` as D6
 */
export async function* readLibraries(facts: InstallFacts, context: InstallContext) {
  const present: string[] = [];
  const shown: string[] = [];
  for (const [at, library] of (facts.request.libraries ?? []).entries()) {
    const name = aid(library.loadFileAid);
    const responses: readonly CardResponse[] = at === 0 ? yield [statusOf(subset, name)] : [];
    const found = await findEntry({ subset, name, first: responses[0] }, context, ROW);
    if (found === undefined) continue;
    await requireKnownFile(namedFile(library), found, facts, context);
    present.push(library.loadFileAid);
    if (fileDomainOf(found, facts.card.isdAid) === 'issuer') shown.push(library.loadFileAid);
  }
  return { librariesPresent: present as readonly string[], librariesShown: shown as readonly string[] };
}
