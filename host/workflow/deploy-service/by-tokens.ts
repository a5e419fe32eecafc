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

/** LOAD where the card has no such file, and INSTALL. @returns false when it is the issuer's to do */
export async function installByTokens(
  { loadFileAid, moduleAid, instanceAid, parameters, elfId, selectable }: PlacedApplication,
  { index, facts }: { readonly index: number; readonly facts: OnItsCard },
  context: ServiceContext,
): Promise<boolean> {
  if (parameters.length > MAX_PARAMETERS || !(await isDelegated(context.database, facts.cardId))) return false;
  const common = commonOf(facts);
  const loadFile = await context.loadFile(elfId);
  const first = async () =>
    context.changeContent(`load ${index}`, { act: { act: 'load', loadFileAid, loadFile }, ...common });
  if (!(await granted(first))) return false;
  const state = selectable === undefined ? {} : { selectable };
  const act = { act: 'install', loadFileAid, moduleAid, instanceAid, parameters, ...state } as const;
  await context.changeContent(`install ${index}`, { act, ...common }).catch(afterAnother);
  return true;
}

/** DELETE of the instance and of its load file, unless something else is made of that. @returns as above */
export async function removeByTokens(
  { loadFileAid, instanceAid }: PlacedApplication,
  { index, last, facts }: { readonly index: number; readonly last: boolean; readonly facts: OnItsCard },
  context: ServiceContext,
): Promise<boolean> {
  if (!(await isDelegated(context.database, facts.cardId))) return false;
  const common = commonOf(facts);
  const end = last ? ({ last } as const) : {};
  const act = { act: 'delete', aid: instanceAid, related: false } as const;
  if (!(await granted(() => context.changeContent(`delete ${index}`, { act, ...common, ...end })))) return false;
  const file = { ...act, aid: loadFileAid };
  await context.changeContent(`unload ${index}`, { act: file, ...common, mayStay: true }).catch(afterAnother);
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
