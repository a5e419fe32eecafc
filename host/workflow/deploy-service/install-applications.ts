// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import { setChipChanged, setInstanceState } from '../../store/provider/service-processes.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { waitForIssuer, withRelay } from '../deploy-application/wait-for-issuer.ts';
import { installByTokens, removeByTokens } from './by-tokens.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/**
 * S4: what goes is taken off, one application after the other: by the provider with the issuer's tokens where the
 * domain has Delegated Management, else by the issuer.
 */
export async function removeApplications(facts: OnItsCard, context: ServiceContext) {
  const { removals, applications, cardId, productId } = facts;
  const { installer, workflowId, settings } = context;
  if (removals.length === 0) return {};
  // The last that came first: the load file of the first one may be what others import.
  for (const [index, removal] of [...removals.entries()].reverse()) {
    const { loadFileAid, instanceAid, libraries } = removal;
    const last = applications.length === 0 && index === 0;
    const aids = libraries === undefined ? {} : { libraryAids: libraries.map((library) => library.loadFileAid) };
    await onTheChip(context, { first: index === removals.length - 1 }, async () => {
      if (await removeByTokens(removal, { index, last, facts }, context)) return;
      const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, loadFileAid, instanceAid };
      const ask = () => installer.removeApplication(`${workflowId}.r${index}`, { ...request, ...aids, last });
      await withRelay(facts, context, async () => waitForIssuer(await ask(), context));
    });
  }
  return {};
}

/**
 * S5: what is to come is loaded and installed: by the provider with the issuer's tokens where the domain has Delegated
 * Management, else by the issuer, who hands it over.
 */
export async function installApplications(facts: OnItsCard, context: ServiceContext) {
  const { applications, removals, commands, cardId, productId } = facts;
  const { installer, workflowId, settings, database } = context;
  if (!commands.includes('I')) return {};
  for (const [index, application] of applications.entries()) {
    const { loadFileAid, moduleAid, instanceAid, parameters, elfId, selectable } = application;
    await onTheChip(context, { first: index === 0 && removals.length === 0 }, async () => {
      if (await installByTokens(application, { index, facts }, context)) return;
      const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, parameters };
      const loadFile = await context.loadFile(elfId);
      const state = selectable === undefined ? {} : { selectable };
      const libraries: { readonly loadFileAid: string; readonly loadFile: string }[] = [];
      for (const library of application.libraries ?? [])
        libraries.push({ loadFileAid: library.loadFileAid, loadFile: await context.loadFile(library.elfId) });
      const files = libraries.length === 0 ? {} : { libraries };
      const whole = { ...request, loadFileAid, moduleAid, instanceAid, loadFile, ...files, ...state };
      const ask = () => installer.requestApplication(`${workflowId}.i${index}`, whole);
      await withRelay(facts, context, async () => waitForIssuer(await ask(), context));
    });
  }
  await setInstanceState(database, facts.instanceId, INSTANCE_STATE.INSTALLED);
  return {};
}

/**
 * What begins now may change the chip; not so when it is the first of its process, and the issuer refuses it before it
 * touches the card. A refusal in an admission row means that no try of this act went further; one that used its token
 * did. Of a later one the issuer says whether any of its tries has changed something.
 */
async function onTheChip(
  { database, workflowId }: ServiceContext,
  { first }: { readonly first: boolean },
  act: () => Promise<void>,
): Promise<void> {
  await setChipChanged(database, workflowId, true);
  try {
    await act();
  } catch (error) {
    if (first && error instanceof PeerError && leavesUntouched(error))
      await setChipChanged(database, workflowId, false);
    throw error;
  }
}

function leavesUntouched({ code, context }: PeerError): boolean {
  if (context.untouched === true) return true;
  return /^([DR][34]|C2)$/.test(String(context.numeral)) && code !== 'token-used';
}
