// SPDX-License-Identifier: Apache-2.0
import { recordCreating } from '../../store/issuer/applications.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { probe, selectedExactly } from '../key-distribution/41a-probe-security-domain.ts';
import type { InstallContext, InstallFacts } from './context.ts';

/** D5: is the instance there from an interrupted try? Then SELECT the ISD, whose channel is opened. */
export async function* lookForApplication({ request, card, caller }: InstallFacts, context: InstallContext) {
  const { cardId, instanceAid } = request;
  // Another provider's application of this name is found here, before the card is touched.
  await recordCreating(context.database, {
    cardId,
    aid: instanceAid,
    providerId: caller,
    workflowId: context.workflowId,
  });
  const responses: readonly CardResponse[] = yield [probe(instanceAid), toCardCommand(select(aid(card.isdAid)))];
  return { instancePresent: selectedExactly(responses[0], instanceAid) };
}
