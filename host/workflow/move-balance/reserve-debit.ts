// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import { type Debit, MOVE_TERMINAL_COUNTER, reserveDebit as reserve } from '../../store/provider/purse-moves.ts';
import { toHex } from '../../wire/hex.ts';
import { dateTimeOf } from '../../wire/purse/values.ts';
import type { Known, TopUpContext } from '../top-up/context.ts';
import { checkReplaced } from './check-replaced.ts';
import type { OpenedDebit } from './open-debit.ts';
import type { Found } from './settle-open-debit.ts';

export interface ReservedDebit {
  readonly debit?: Debit & { readonly mac1: string };
}

/**
 * M2f: looks at the product's state again, notes the debit, and only then has the KMS make MAC1.
 *
 * @throws ConflictError `not-terminated` @throws TransportError `debit-open` when another flow was faster
 */
export async function reserveDebit(facts: Known & Found & OpenedDebit, context: TopUpContext): Promise<ReservedDebit> {
  const { instance, found, openedDebit } = facts;
  const { database, kms, product } = context;
  if (found === undefined || openedDebit === undefined) return {};
  await checkReplaced(facts, context);
  const { amount, terminal, answer } = openedDebit;
  const { instanceId, serial } = instance;
  const dateTime = dateTimeOf(context.now());
  const { counter: offlineCounter } = answer;
  const debit = { instanceId, serial, amount, counter: found.counter, offlineCounter, terminal, dateTime };
  if (!(await reserve(database, debit))) throw new TransportError('debit-open', 'Another debit of this purse is open');
  const { mac1 } = await kms.purse.authorizeDebit({
    keySet: product.keySet,
    serial,
    account: 'purse',
    amount,
    terminal,
    dateTime,
    terminalCounter: MOVE_TERMINAL_COUNTER,
    counter: offlineCounter,
    random: toHex(answer.random),
  });
  return { debit: { ...debit, mac1 } };
}
