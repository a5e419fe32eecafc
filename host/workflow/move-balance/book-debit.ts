// SPDX-License-Identifier: Apache-2.0
import { RepeatVisit } from '../engine/retry.ts';
import type { TopUpContext } from '../top-up/context.ts';
import type { ReservedDebit } from './reserve-debit.ts';
import { bookMade, debitVerifies } from './settle-open-debit.ts';

/**
 * M2h: made when its TAC verifies: booked as a purchase of the old purse, and owed to the new one.
 *
 * @throws RepeatVisit `debit-open` when it does not: the next round settles it
 */
export async function bookDebit(
  { debit, debitTac }: ReservedDebit & { readonly debitTac?: string },
  context: TopUpContext,
): Promise<object> {
  if (debit === undefined) return {};
  if (debitTac === undefined || !(await debitVerifies(debit, debitTac, context)))
    throw new RepeatVisit('debit-open', 'The card did not answer the debit with its TAC: it is asked again');
  await bookMade(debit, debitTac, context);
  return {};
}
