// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { ProviderTables } from './schema.ts';

/** Ways to a card that this provider holds open for the issuer (key-distribution.md section 4). */

export interface CardRelay {
  /** Also the owner of the lease: the flow that opened it. */
  readonly relayId: string;
  readonly issuerId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly cardId: CardId;
  /** Insertion of step 41: another one means that the card must be read again. */
  readonly insertion: string;
  readonly open: boolean;
}

type Database = Kysely<ProviderTables>;

export async function openCardRelay(database: Database, relay: Omit<CardRelay, 'open'>): Promise<void> {
  const values = {
    relay_id: relay.relayId,
    issuer_id: relay.issuerId,
    terminal_id: relay.terminalId,
    reader_name: relay.readerName,
    card: cardIdText(relay.cardId),
    insertion: relay.insertion,
    open: true,
  };
  await database
    .insertInto('card_relays')
    .values(values)
    .onConflict((conflict) => conflict.column('relay_id').doUpdateSet(values))
    .execute();
}

export async function closeCardRelay(database: Database, relayId: string): Promise<void> {
  await closingCardRelay(database, relayId).execute();
}

/** The statement of it. */
export const closingCardRelay = (database: Database, relayId: string) =>
  database.updateTable('card_relays').set({ open: false }).where('relay_id', '=', relayId);

export async function findCardRelay(database: Database, relayId: string): Promise<CardRelay | undefined> {
  const row = await database.selectFrom('card_relays').selectAll().where('relay_id', '=', relayId).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    relayId: row.relay_id,
    issuerId: row.issuer_id,
    terminalId: row.terminal_id,
    readerName: row.reader_name,
    cardId: cardIdOfText(row.card),
    insertion: row.insertion,
    open: row.open,
  };
}
