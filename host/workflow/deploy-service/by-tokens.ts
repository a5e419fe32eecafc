// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import { isDelegated } from '../../store/provider/security-domains.ts';
import type { PlacedApplication } from '../../store/provider/service-tables.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** What S4 and S5 do themselves where the domain has Delegated Management: acts C1 to C6, each with its token. */

/** Characters of what install() gets by a token. */
const MAX_PARAMETERS = 254;
/** The issuer gives no tokens, and the card is as it was: then the issuer does it. */
const NOT_DELEGATED = ['provider-not-permitted', 'domain-not-delegated'];

/** LOAD of libraries and file where the card has no such, and INSTALL. @returns false when it is the issuer's to do */
export async function installByTokens(
  { loadFileAid, moduleAid, instanceAid, parameters, elfId, selectable, libraries = [] }: PlacedApplication,
  { index, facts }: { readonly index: number; readonly facts: OnItsCard },
  context: ServiceContext,
): Promise<boolean> {
  if (parameters.length > MAX_PARAMETERS || !(await isDelegated(context.database, facts.cardId))) return false;
  const common = commonOf(facts);
  for (const [at, file] of [...libraries, { loadFileAid, elfId }].entries()) {
    const name = at === libraries.length ? `load ${index}` : `library ${index}.${at}`;
    const act = { act: 'load', loadFileAid: file.loadFileAid, loadFile: await context.loadFile(file.elfId) } as const;
    const load = () => context.changeContent(name, { act, ...common });
    if (at > 0) await load().catch(afterAnother);
    else if (!(await granted(load))) return false;
  }
  const state = selectable === undefined ? {} : { selectable };
  const act = { act: 'install', loadFileAid, moduleAid, instanceAid, parameters, ...state } as const;
  await context.changeContent(`install ${index}`, { act, ...common }).catch(afterAnother);
  return true;
}

/**
 * DELETE of the instance, of its load file and of the libraries that came with any of its versions, unless something
 * else needs them.
 *
 * @returns as above
 */
export async function removeByTokens(
  { loadFileAid, instanceAid, libraries = [], formerLibraries = [] }: PlacedApplication,
  { index, last, facts }: { readonly index: number; readonly last: boolean; readonly facts: OnItsCard },
  context: ServiceContext,
): Promise<boolean> {
  if (!(await isDelegated(context.database, facts.cardId))) return false;
  const common = commonOf(facts);
  const end = last ? ({ last } as const) : {};
  const act = { act: 'delete', aid: instanceAid, related: false } as const;
  if (!(await granted(() => context.changeContent(`delete ${index}`, { act, ...common, ...end })))) return false;
  const unload = (name: string, file: string) =>
    context.changeContent(name, { act: { ...act, aid: file }, ...common, mayStay: true }).catch(afterAnother);
  await unload(`unload ${index}`, loadFileAid);
  // What imports another goes before it.
  const names = new Set([...libraries, ...formerLibraries].map((library) => library.loadFileAid));
  for (const [at, name] of [...names].entries().toArray().reverse()) await unload(`unlink ${index}.${at}`, name);
  return true;
}

/** Acts do not read anew what the deployment has read of its card. */
function commonOf({ productId, cardId, insertion, casdCertificate }: OnItsCard) {
  const known = { cardId, insertion, ...(casdCertificate === undefined ? {} : { casdCertificate }) };
  return { productId, known };
}

async function granted(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof PeerError && error.context.numeral === 'C2' && NOT_DELEGATED.includes(error.code))
      return false;
    throw error;
  }
}

/** A refusal of the second act does not mean that the card is untouched. */
function afterAnother(error: unknown): never {
  if (!(error instanceof PeerError) || error.context.numeral !== 'C2') throw error;
  throw new PeerError(error.code, error.message, { ...error.context, numeral: 'C5' }, error);
}
