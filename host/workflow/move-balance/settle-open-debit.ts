// SPDX-License-Identifier: Apache-2.0
import { TransportError, WorkflowError } from '../../errors.ts';
import { recordReading } from '../../store/provider/loads.ts';
import {
  type Debit,
  findPurseMove,
  forgetDebit,
  MOVE_TERMINAL_COUNTER,
  recordEmpty,
  settleDebit,
} from '../../store/provider/purse-moves.ts';
import { dateTimeOf } from '../../wire/purse/values.ts';
import type { Known, Looked, TopUpContext } from '../top-up/context.ts';
import { readBalance } from '../top-up/settle-open-load.ts';
import type { AskedDebit } from './ask-for-debit.ts';

/** What the purse holds, under its MAC; absent: there is nothing to take off. */
export interface Found {
  readonly found?: { readonly balance: number; readonly counter: number };
}

/**
 * M2d: what became of a debit that is open, as the card says under a MAC: its TAC verifies: made; the query shows money
 * and no load since: not made, and its MAC1 dead. An empty purse without that TAC may have been emptied elsewhere.
 *
 * @throws WorkflowError `debit-open` for that @throws SecureChannelError `purse-mac` for another card
 * @throws TransportError `debit-open` for one that another flow opened meanwhile
 */
export async function settleOpenDebit(
  { instance, looked, aboutDebit, debitProof }: Known & AskedDebit & { readonly looked: Looked },
  context: TopUpContext,
): Promise<Found> {
  const { database } = context;
  const { instanceId, serial } = instance;
  const move = await findPurseMove(database, instanceId);
  if (move !== undefined && move.state !== 'debiting') return {};
  if (move !== undefined && move.terminal !== aboutDebit)
    throw new TransportError('debit-open', 'Another debit of this purse is open, and the card is asked about it');
  if (move !== undefined && debitProof !== undefined && (await debitVerifies(move, debitProof, context))) {
    await bookMade(move, debitProof, context);
    return {};
  }
  const query = looked.query ?? looked.initialized;
  if (query === undefined) throw new WorkflowError('debit-open', 'The purse was not asked for its balance', { serial });
  await readBalance(query, serial, context);
  const { balance, counter } = query.answer;
  if (move !== undefined) {
    if (balance === 0 || counter !== move.counter)
      throw new WorkflowError('debit-open', 'The purse does not say what became of a debit: compare it by hand', {
        serial,
      });
    await forgetDebit(database, move);
  }
  if (balance > 0) return { found: { balance, counter } };
  const dateTime = dateTimeOf(context.now());
  await recordEmpty(database, { instanceId, serial, counter, offlineCounter: 0, terminal: query.terminal, dateTime });
  return {};
}

/** Is this the TAC of this very debit? */
export async function debitVerifies(debit: Debit, tac: string, { kms, product }: TopUpContext): Promise<boolean> {
  const { serial, amount, terminal, dateTime } = debit;
  const certificate = { keySet: product.keySet, serial, account: 'purse', amount, terminal, dateTime, tac } as const;
  return (await kms.purse.verifyPurchase({ ...certificate, terminalCounter: MOVE_TERMINAL_COUNTER })).verified;
}

/** The debit was made: the purse is empty, and its balance owed to the new one. */
export async function bookMade(debit: Debit, tac: string, { database }: TopUpContext): Promise<void> {
  await settleDebit(database, debit, tac);
  await recordReading(database, { serial: debit.serial, balance: 0, counter: debit.counter });
}
