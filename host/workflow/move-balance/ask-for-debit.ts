// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { findPurseMove } from '../../store/provider/purse-moves.ts';
import { ifPresent } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodePurchaseProof, getTransactionProof } from '../../wire/purse/commands.ts';
import { TRANSACTION } from '../../wire/purse/values.ts';
import type { Known, TopUpContext } from '../top-up/context.ts';

/** What the card says of a debit that is open: which one was asked for, and its TAC where there is one. */
export interface AskedDebit {
  readonly aboutDebit?: string;
  readonly debitProof?: string;
}

/** M2b: the proof of a debit that a break has left open. */
export async function* askForDebit({ instance }: Known, { database }: TopUpContext) {
  const move = await findPurseMove(database, instance.instanceId);
  if (move?.state !== 'debiting') return {} as AskedDebit;
  const responses: readonly CardResponse[] = yield [
    ifPresent(getTransactionProof(TRANSACTION.purchasePurse, move.offlineCounter + 1)),
  ];
  const debitProof = purchaseTac(responses[0], decodePurchaseProof);
  return { aboutDebit: move.terminal, ...(debitProof === undefined ? {} : { debitProof }) } as AskedDebit;
}

/** Whatever is no TAC counts as none: a query says more. */
export function purchaseTac(
  response: CardResponse | undefined,
  decode: (data: Uint8Array) => Uint8Array,
): string | undefined {
  if (response?.sw !== '9000') return undefined;
  try {
    return toHex(decode(fromHex(response.data, 16)));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
