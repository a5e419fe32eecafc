// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import { setChipChanged, setInstanceState } from '../../store/provider/service-processes.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { waitForIssuer, withRelay } from '../deploy-application/wait-for-issuer.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** S4: the issuer takes off what goes, one application after the other. */
export async function removeApplications(facts: OnItsCard, context: ServiceContext) {
  const { removals, applications, cardId, productId } = facts;
  const { installer, workflowId, settings } = context;
  if (removals.length === 0) return {};
  await onTheChip(context, () =>
    withRelay(facts, context, async () => {
      for (const [index, { loadFileAid, instanceAid }] of removals.entries()) {
        const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, loadFileAid, instanceAid };
        const last = applications.length === 0 && index === removals.length - 1;
        await waitForIssuer(
          await installer.removeApplication(`${workflowId}.r${index}`, { ...request, last }),
          context,
        );
      }
    }),
  );
  return {};
}

/** S5: the issuer loads and installs what is to come, and hands it over. */
export async function installApplications(facts: OnItsCard, context: ServiceContext) {
  const { applications, commands, cardId, productId } = facts;
  const { installer, workflowId, settings, database } = context;
  if (!commands.includes('I')) return {};
  await onTheChip(context, () =>
    withRelay(facts, context, async () => {
      for (const [index, { loadFileAid, moduleAid, instanceAid, parameters, elfId }] of applications.entries()) {
        const request = { cardId, productId, ssdAid: settings.ssdAid, relayId: workflowId, parameters };
        const first = await installer.requestApplication(`${workflowId}.i${index}`, {
          ...{ ...request, loadFileAid, moduleAid, instanceAid, loadFile: await context.loadFile(elfId) },
        });
        await waitForIssuer(first, context);
      }
    }),
  );
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
    if (typeof numeral === 'string' && /^[DR][34]$/.test(numeral)) await setChipChanged(database, workflowId, false);
    throw error;
  }
}
