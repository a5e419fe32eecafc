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
  await onTheChip(context, async () => {
    for (const [index, removal] of removals.entries()) {
      const { loadFileAid, instanceAid } = removal;
      const last = applications.length === 0 && index === removals.length - 1;
      if (await removeByTokens(removal, { index, last, facts }, context)) continue;
      const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, loadFileAid, instanceAid };
      const ask = () => installer.removeApplication(`${workflowId}.r${index}`, { ...request, last });
      await withRelay(facts, context, async () => waitForIssuer(await ask(), context));
    }
  });
  return {};
}

/**
 * S5: what is to come is loaded and installed: by the provider with the issuer's tokens where the domain has Delegated
 * Management, else by the issuer, who hands it over.
 */
export async function installApplications(facts: OnItsCard, context: ServiceContext) {
  const { applications, commands, cardId, productId } = facts;
  const { installer, workflowId, settings, database } = context;
  if (!commands.includes('I')) return {};
  await onTheChip(context, async () => {
    for (const [index, application] of applications.entries()) {
      const { loadFileAid, moduleAid, instanceAid, parameters, elfId, selectable } = application;
      if (await installByTokens(application, { index, facts }, context)) continue;
      const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, parameters };
      const loadFile = await context.loadFile(elfId);
      const state = selectable === undefined ? {} : { selectable };
      const whole = { ...request, loadFileAid, moduleAid, instanceAid, loadFile, ...state };
      const ask = () => installer.requestApplication(`${workflowId}.i${index}`, whole);
      await withRelay(facts, context, async () => waitForIssuer(await ask(), context));
    }
  });
  await setInstanceState(database, facts.instanceId, INSTANCE_STATE.INSTALLED);
  return {};
}

/** What begins now may change the chip; not so when the issuer refuses before it touches the card. */
async function onTheChip(context: ServiceContext, act: () => Promise<void>): Promise<void> {
  const { database, workflowId } = context;
  await setChipChanged(database, workflowId, true);
  try {
    await act();
  } catch (error) {
    const numeral = error instanceof PeerError ? error.context.numeral : undefined;
    if (typeof numeral === 'string' && /^([DR][34]|C2)$/.test(numeral))
      await setChipChanged(database, workflowId, false);
    throw error;
  }
}
