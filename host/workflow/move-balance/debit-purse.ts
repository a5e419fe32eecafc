// SPDX-License-Identifier: Apache-2.0
import { MOVE_TERMINAL_COUNTER } from '../../store/provider/purse-moves.ts';
import { ifPresent } from '../../wire/gp/command.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { debitForPurchase, decodePurchaseTac } from '../../wire/purse/commands.ts';
import type { TopUpContext } from '../top-up/context.ts';
import { purchaseTac } from './ask-for-debit.ts';
import type { ReservedDebit } from './reserve-debit.ts';

/** M2g: DEBIT FOR PURCHASE. Whatever is not its TAC leaves the debit open, and the visit begins again. */
export async function* debitPurse({ debit }: ReservedDebit, _context: TopUpContext) {
  if (debit === undefined) return {} as { readonly debitTac?: string };
  const responses: readonly CardResponse[] = yield [
    ifPresent(debitForPurchase(MOVE_TERMINAL_COUNTER, debit.dateTime, fromHex(debit.mac1, 4))),
  ];
  const debitTac = purchaseTac(responses[0], decodePurchaseTac);
  return (debitTac === undefined ? {} : { debitTac }) as { readonly debitTac?: string };
}
