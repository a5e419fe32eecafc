// SPDX-License-Identifier: Apache-2.0
import type { Transaction } from 'kysely';
import { hasTurn, type Turn, takeTurn } from '../store/issuer/content-turns.ts';
import { lockNames } from '../store/issuer/load-files.ts';
import type { IssuerTables } from '../store/issuer/schema.ts';
import type { CardId } from '../wire/message/common.ts';
import type { InstallContext } from './deploy-application/context.ts';
import { Behind, RepeatVisit } from './engine/retry.ts';

/** A flow's turn to change a card's content, from D5, R5 or E5 to its end. */

type Context = Pick<InstallContext, 'database' | 'workflowId'>;

/** @throws Behind `content-busy` while another flow has the card */
export async function contentTurn(cardId: CardId, caller: string, { database, workflowId }: Context): Promise<Turn> {
  const taken = await takeTurn(database, cardId, { workflowId, providerId: caller });
  if ('turn' in taken) return taken.turn;
  throw new Behind('content-busy', 'Another flow changes what is on this card: try again when that has ended');
}

/**
 * What was seen of the card in this turn is so still, and what goes by it is written before another flow sees the card.
 *
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile, or another node this one
 */
export function inTurn<T>(
  { database }: Pick<Context, 'database'>,
  { cardId, turn }: { readonly cardId: CardId; readonly turn: Turn },
  act: (transaction: Transaction<IssuerTables>) => Promise<T>,
): Promise<T> {
  return database.transaction().execute(async (transaction) => {
    await lockNames(transaction, cardId);
    if (!(await hasTurn(transaction, cardId, turn)))
      throw new RepeatVisit('turn-lost', 'Another flow has this card meanwhile: what it holds is looked at anew');
    return act(transaction);
  });
}
