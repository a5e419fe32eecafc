// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { responseData, toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodeLoadInitialized, initializeForLoad } from '../../wire/purse/commands.ts';
import type { Known, Looked, Opened, Settled, TopUpContext } from './context.ts';

/** A5c: INITIALIZE FOR LOAD, where A5a has not done it already and there is still something to load. */
export async function* initializeLoad(
  { amount, looked, paid }: Known & Settled & { readonly looked: Looked },
  { product, newTerminal }: TopUpContext,
) {
  if (looked.initialized !== undefined || paid || amount === 0) return { opened: looked.initialized ?? looked.query };
  const asked = { amount, terminal: newTerminal() };
  const command = initializeForLoad({ account: 'purse', keyIndex: 1, ...asked });
  const responses: readonly CardResponse[] = yield [
    toCardCommand(select(aid(product.instanceAid))),
    toCardCommand(command),
  ];
  const opened: Opened | undefined = { ...asked, answer: decodeLoadInitialized(responseData(command, responses[1])) };
  return { opened };
}
