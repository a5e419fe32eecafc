// SPDX-License-Identifier: Apache-2.0
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import { recordCard } from '../../store/provider/key-distributions.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { ProviderContext } from './provider-context.ts';

/** Step 41: the provider reads the card's ICCID; on a chip without file system IIN and CIN, or CPLC. */
export async function* readIccid(_facts: unknown, context: ProviderContext) {
  const responses: readonly CardResponse[] = yield identityCommands;
  const identity = decodeIdentity(responses);
  const insertion = context.card.insertion;
  context.card.expectCard({ cardId: identity.cardId, insertion });
  await recordCard(context.database, context.workflowId, identity.cardId);
  return { ...identity, insertion };
}
