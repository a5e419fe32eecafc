// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError, StatusWordError, TransportError, WorkflowError } from '../../errors.ts';
import {
  findDoneLoad,
  findOpenLoad,
  isCounterBooked,
  type OpenLoad,
  recordReading,
  settleLoad,
} from '../../store/provider/loads.ts';
import type { Known, Looked, Opened, Settled, TopUpContext } from './context.ts';
import { openedLoad } from './opened-load.ts';
import { isFinal } from './purse-refusals.ts';

/**
 * A5b: what became of a load that is open, by what the card says under a MAC and nothing else: (a) its TAC verifies:
 * done; (b) the query's MAC1 verifies and shows the old counter: reversed; (c) it shows the next counter and there is
 * no proof: done, without TAC, for a clerk, or reversed where another load is done that the card has counted so; (d)
 * anything else stays open. (a) comes first and wants no answer to the query: a purse whose load key has ended, or its
 * counter, refuses every query, and still has its proof.
 *
 * @throws WorkflowError `load-open` for (d): nothing new is loaded before it is known
 * @throws StatusWordError when the query was refused in a way that another try may change, and nothing is proved
 * @throws TransportError `load-open` when another top-up opened it after A5a had looked, and the card was not asked
 */
export async function settleOpenLoad(
  facts: Known & { readonly looked: Looked },
  context: TopUpContext,
): Promise<Settled> {
  const { instance, looked } = facts;
  const { database, paymentId } = context;
  const open = await findOpenLoad(database, instance.serial);
  // One that was credited may be booked a moment after it has left the card to this one; and an answer that was kept
  // back says nothing of a load that another reader has begun since.
  if (open !== undefined && looked.about !== open.loadId)
    throw new TransportError('load-open', 'Another load of this purse is open, and the card is asked about it');
  if (open !== undefined) await settle(open, facts, context);
  const own = await findDoneLoad(database, paymentId);
  if (open !== undefined && looked.query !== undefined) await readBalance(looked.query, instance.serial, context);
  return { paid: own !== undefined };
}

async function settle(
  open: OpenLoad,
  { looked, instance }: Known & { readonly looked: Looked },
  context: TopUpContext,
) {
  const { database } = context;
  const { proof, query, refused } = looked;
  if (proof !== undefined && (await verifies(open, proof, context))) {
    await settleLoad(database, open.loadId, { state: 'done', tac: proof });
    const { serial, balanceBefore, amount, counter } = open;
    // The TAC says so; the query, where it was answered, may say what was spent since.
    await recordReading(database, { serial, balance: balanceBefore + amount, counter: counter + 1 });
    return;
  }
  if (refused !== undefined && !isFinal(refused))
    throw new StatusWordError('status-word', `INITIALIZE FOR LOAD: the card answered ${refused}`, { sw: refused });
  if (query !== undefined && (await isGenuine(query, instance.serial, context))) {
    if (query.answer.counter === open.counter) return settleLoad(database, open.loadId, { state: 'reversed' });
    if (query.answer.counter === open.counter + 1) {
      const state = (await isCounterBooked(database, open)) ? 'reversed' : 'done';
      return settleLoad(database, open.loadId, { state });
    }
  }
  throw new WorkflowError(
    'load-open',
    'An earlier load of this purse is open, and the card does not say what became of it',
    {
      serial: instance.serial,
    },
  );
}

/** The TAC of this load, as it was reserved. */
export async function verifies(
  load: Omit<OpenLoad, 'loadId'>,
  tac: string,
  { kms, product }: TopUpContext,
): Promise<boolean> {
  const { serial, amount, terminal, balanceBefore, counter, dateTime } = load;
  const certificate = { keySet: product.keySet, serial, account: 'purse', amount, terminal } as const;
  const after = { balanceAfter: balanceBefore + amount, counterBefore: counter, dateTime, tac };
  return (await kms.purse.verifyLoad({ ...certificate, ...after })).verified;
}

/** MAC1 verifies: it is this purse, and what it says of itself is so now. */
export async function isGenuine(opened: Opened, serial: string, { kms, product }: TopUpContext): Promise<boolean> {
  const load = openedLoad({ keySet: product.keySet, serial }, opened, opened.answer);
  return (await kms.purse.queryLoad({ load })).verified;
}

/** @throws SecureChannelError `purse-mac` */
export async function readBalance(opened: Opened, serial: string, context: TopUpContext): Promise<void> {
  if (!(await isGenuine(opened, serial, context)))
    throw new SecureChannelError('purse-mac', 'The card in the reader does not answer with the keys of this purse', {
      serial,
    });
  const { balance, counter } = opened.answer;
  await recordReading(context.database, { serial, balance, counter });
}
