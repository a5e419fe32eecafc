// SPDX-License-Identifier: Apache-2.0
import { findDoneLoad, recordReading, settleLoad } from '../../store/provider/loads.ts';
import { RepeatVisit } from '../engine/retry.ts';
import type { Known, Settled, TopUpContext } from './context.ts';
import type { Reserved } from './reserve-load.ts';
import { verifies } from './settle-open-load.ts';

/** What a top-up came to. */
export interface Booked {
  readonly balanceBefore?: number;
  readonly balanceAfter?: number;
  readonly tacVerified?: boolean;
}

/**
 * A5f: the load is done when its TAC verifies, and the permit goes back.
 *
 * @throws RepeatVisit `load-open` when it does not: the next round settles it
 */
export async function bookLoad(
  facts: Known & Settled & Reserved & { readonly tac?: string },
  context: TopUpContext,
): Promise<Booked> {
  const { database, permits, workflowId, paymentId } = context;
  const { reserved, tac = '' } = facts;
  if (reserved !== undefined) {
    // The card has answered: nothing is on its way to it any more.
    await permits.release(workflowId).catch(() => {});
    if (tac.length !== 8 || !(await verifies(reserved, tac, context)))
      throw new RepeatVisit('load-open', 'The card did not answer the credit with its TAC: it is asked again');
    await settleLoad(database, reserved.loadId, { state: 'done', tac });
    const { serial, balanceBefore, amount, counter } = reserved;
    await recordReading(database, { serial, balance: balanceBefore + amount, counter: counter + 1 });
  }
  const done = await findDoneLoad(database, paymentId);
  if (done === undefined) return {};
  const balanceAfter = done.balanceBefore + done.amount;
  return { balanceBefore: done.balanceBefore, balanceAfter, tacVerified: done.tac !== undefined };
}
