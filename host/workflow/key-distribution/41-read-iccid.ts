// SPDX-License-Identifier: Apache-2.0
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { Behind } from '../engine/retry.ts';
import type { ProviderContext } from './provider-context.ts';

/**
 * Step 41: the provider reads the card's ICCID; on a chip without file system IIN and CIN, or CPLC. In a key
 * distribution the card is the flow's from here to its end: one that had lost its session in the middle goes on before
 * another begins, so that a domain is the work of one flow.
 *
 * @throws TransportError `other-card` than the one that the flow is for
 * @throws Behind `card-in-other-flow`, once the other has ended or a while is over: read again then
 */
export async function* readIccid(_facts: unknown, { card, turns }: Pick<ProviderContext, 'card' | 'turns'>) {
  const responses: readonly CardResponse[] = yield identityCommands;
  const identity = decodeIdentity(responses);
  const { insertion } = card;
  const ahead = await turns?.take(identity.cardId);
  if (ahead !== undefined) {
    // The other needs the card to come to its end.
    await card.rest();
    await turns?.wait(ahead);
    throw new Behind(
      'card-in-other-flow',
      `The flow ${ahead} has this card and has not ended: wait for it, or end it`,
      {
        flow: ahead,
      },
    );
  }
  card.expectCard({ cardId: identity.cardId, insertion });
  return { ...identity, insertion };
}
