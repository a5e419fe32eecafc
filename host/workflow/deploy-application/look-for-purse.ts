// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { LifeCycleError } from '../../errors.ts';
import { aid } from '../../wire/gp/aid.ts';
import { responseData } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodePurseSerial } from '../../wire/purse/personalization.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';
import type { DeployContext, Named } from './context.ts';

/**
 * D9: SELECT the purse: is it personalised?
 *
 * @throws LifeCycleError `purse-of-another` when it has another serial, `card-locked`
 */
export async function* lookForPurse(
  facts: CardIdentity & Named & { readonly insertion: string },
  context: DeployContext,
) {
  context.card.expectCard(facts);
  const command = select(aid(context.product.instanceAid));
  const responses: readonly CardResponse[] = yield [selectUnlocked(context.product.instanceAid)];
  refuseLocked(responses[0]);
  const serial = decodePurseSerial(responseData(command, responses[0]));
  if (serial !== undefined && serial !== facts.instance.serial) {
    throw new LifeCycleError('purse-of-another', 'The purse on this card has a serial that is not the one we gave it', {
      serial,
    });
  }
  return { personalised: serial !== undefined };
}
