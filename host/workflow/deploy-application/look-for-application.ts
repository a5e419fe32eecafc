// SPDX-License-Identifier: Apache-2.0
import { recordCreating } from '../../store/issuer/applications.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { contentTurn } from '../content-turn.ts';
import {
  probeBeside,
  refuseLocked,
  selectedExactly,
  selectUnlocked,
} from '../key-distribution/41a-probe-security-domain.ts';
import { applicationRowOf, type InstallContext, type InstallFacts } from './context.ts';

/**
 * D5: takes the card's turn. Is the instance there? Then SELECT the ISD, whose channel is opened.
 *
 * @throws Behind `content-busy` while another flow changes what is on the card
 */
export async function* lookForApplication({ request, card, caller }: InstallFacts, context: InstallContext) {
  const { instanceAid } = request;
  // Another product's application or file of this name, come since D3, is found here, before the card is touched.
  const { workflowId } = context;
  const turn = await contentTurn(request.cardId, caller, context);
  await recordCreating(context.database, { ...applicationRowOf({ request, caller }), workflowId });
  const responses: readonly CardResponse[] = yield [probeBeside(instanceAid), selectUnlocked(card.isdAid)];
  refuseLocked(responses[1]);
  return { turn, instancePresent: selectedExactly(responses[0], instanceAid, responses[1]) };
}
