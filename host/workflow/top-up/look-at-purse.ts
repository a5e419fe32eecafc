// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { findOpenLoad } from '../../store/provider/loads.ts';
import { ifPresent } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodeLoadProof, getTransactionProof, initializeForLoad } from '../../wire/purse/commands.ts';
import { TRANSACTION } from '../../wire/purse/values.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';
import type { Known, Looked, TopUpContext } from './context.ts';
import { initializedOf } from './purse-refusals.ts';

/**
 * A5a: SELECT the purse, and open the load at once where no earlier one is open. Where one is, ask for its proof, and
 * for a query: INITIALIZE FOR LOAD of nothing under a terminal id that was made for it, so that no answer can have been
 * collected before. The query also ends a MAC2 that may still be under way. A purse that refuses the query may have a
 * proof all the same: it wants no key for it.
 *
 * @throws LifeCycleError `card-locked`, `purse-limit`, `purse-key-dead`, `purse-counter-end` where no load is open
 */
export async function* lookAtPurse({ amount, instance }: Known, context: TopUpContext) {
  const open = await findOpenLoad(context.database, instance.serial);
  const terminal = context.newTerminal();
  const asked = { amount: open === undefined ? amount : 0, terminal };
  const initialize = initializeForLoad({ account: 'purse', keyIndex: 1, ...asked });
  const proofs = open === undefined ? [] : [ifPresent(getTransactionProof(TRANSACTION.loadPurse, open.counter + 1))];
  const responses: readonly CardResponse[] = yield [
    selectUnlocked(context.product.instanceAid),
    ...proofs,
    ifPresent(initialize),
  ];
  refuseLocked(responses[0]);
  const answer = responses[proofs.length + 1];
  const opened = () => ({ ...asked, answer: initializedOf(initialize, asked.amount, answer) });
  if (open === undefined) return { looked: { initialized: opened() } as Looked };
  const proof = proofOf(responses[1]);
  const said = answer === undefined || answer.sw === '9000' ? { query: opened() } : { refused: answer.sw };
  return { looked: { ...said, about: open.loadId, ...(proof === undefined ? {} : { proof }) } as Looked };
}

/** Whatever is no proof counts as none: the query says more. */
function proofOf(response: CardResponse | undefined): string | undefined {
  if (response?.sw !== '9000') return undefined;
  try {
    return toHex(decodeLoadProof(fromHex(response.data, 16)));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
