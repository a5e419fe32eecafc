// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { responseData, toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import {
  decodePurchaseInitialized,
  initializeForPurchase,
  type PurchaseInitialized,
} from '../../wire/purse/commands.ts';
import type { TopUpContext } from '../top-up/context.ts';
import type { Found } from './settle-open-debit.ts';

export interface OpenedDebit {
  readonly openedDebit?: { readonly amount: number; readonly terminal: string; readonly answer: PurchaseInitialized };
}

/** M2e: INITIALIZE FOR PURCHASE of all that the purse holds; what was spent meanwhile makes it refuse (9401). */
export async function* openDebit({ found }: Found, { product, newTerminal }: TopUpContext) {
  if (found === undefined) return {} as OpenedDebit;
  const asked = { amount: found.balance, terminal: newTerminal() };
  const command = initializeForPurchase({ account: 'purse', keyIndex: 1, ...asked });
  const responses: readonly CardResponse[] = yield [
    toCardCommand(select(aid(product.instanceAid))),
    toCardCommand(command),
  ];
  const answer = decodePurchaseInitialized(responseData(command, responses[1]));
  return { openedDebit: { ...asked, answer } } as OpenedDebit;
}
