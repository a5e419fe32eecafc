// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { contentTurn } from '../content-turn.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';

interface Facts {
  readonly card: Card;
  readonly request: { readonly cardId: CardId };
  readonly caller: string;
}

/**
 * R5 and E5: takes the card's turn, and SELECT the ISD.
 *
 * @throws LifeCycleError `card-locked`
 * @throws Behind `content-busy` while another flow changes what is on the card
 */
export async function* selectIssuer({ card, request, caller }: Facts, context: InstallContext) {
  const turn = await contentTurn(request.cardId, caller, context);
  const responses: readonly CardResponse[] = yield [selectUnlocked(card.isdAid)];
  refuseLocked(responses[0]);
  return { turn };
}
