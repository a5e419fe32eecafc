// SPDX-License-Identifier: Apache-2.0
import { ifPresent } from '../../wire/gp/command.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { initializeForLoad } from '../../wire/purse/commands.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';
import type { Known, Looked, Opened, Settled, TopUpContext } from './context.ts';
import { initializedOf } from './purse-refusals.ts';

/**
 * A5c: INITIALIZE FOR LOAD, where A5a has not done it already and there is still something to load.
 *
 * @throws LifeCycleError `card-locked`, `purse-limit`, `purse-key-dead`, `purse-counter-end`
 */
export async function* initializeLoad(
  { amount, looked, paid }: Known & Settled & { readonly looked: Looked },
  { product, newTerminal }: TopUpContext,
) {
  if (looked.initialized !== undefined || paid || amount === 0) return { opened: looked.initialized ?? looked.query };
  const asked = { amount, terminal: newTerminal() };
  const command = initializeForLoad({ account: 'purse', keyIndex: 1, ...asked });
  const responses: readonly CardResponse[] = yield [selectUnlocked(product.instanceAid), ifPresent(command)];
  refuseLocked(responses[0]);
  const opened: Opened | undefined = { ...asked, answer: initializedOf(command, amount, responses[1]) };
  return { opened };
}
