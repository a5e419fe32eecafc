// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import { lockNames, nextNumber } from './load-files.ts';
import type { IssuerTables } from './schema.ts';

/**
 * One flow at a time changes a card's content through the issuer: whoever carries its answers may keep them, and what
 * an answer of before says is not so any more. A turn begins with the visit (D5, R5, E5), and a flow that begins its
 * visit again takes another one. It ends with its flow, whoever works on that, or when its time is over and another
 * flow wants the card.
 */

type Database = Kysely<IssuerTables>;

/** Longer than a visit takes, shorter than anybody's patience: from D5 on, however often the flow asks. */
const TURN_SECONDS = 300;
/** Whoever waits asks more often. */
const NEXT_SECONDS = 15;

const ANEW = sql`, until = excluded.until, next_provider_id = NULL, next_until = NULL`;
const KEPT = sql``;

/** A flow, and the provider for whom it works. */
export interface Taker {
  readonly workflowId: string;
  readonly providerId: string;
}

/** What a step shows to decide anything. */
export type Turn = string;

/**
 * Takes the card's turn. Of those that wait another provider than the last one comes first.
 *
 * @returns the turn, or the workflow that is before this one
 */
export async function takeTurn(
  database: Database,
  cardId: CardId,
  { workflowId, providerId }: Taker,
): Promise<{ readonly turn: Turn } | { readonly behind: string }> {
  const card = cardIdText(cardId);
  return database.transaction().execute(async (transaction) => {
    await lockNames(transaction, cardId);
    const last = await transaction
      .selectFrom('content_turns')
      .select(['workflow_id', 'provider_id', 'next_provider_id'])
      .select(
        sql<boolean>`until > now() AND EXISTS (
          SELECT 1 FROM workflows w WHERE w.id = content_turns.workflow_id AND w.state <> 'ended')`.as('busy'),
      )
      .select(sql<boolean>`coalesce(next_until > now(), false)`.as('waits'))
      .where('card', '=', card)
      .executeTakeFirst();
    const next = last?.waits === true ? last.next_provider_id : null;
    const isOwn = last?.busy === true && last.workflow_id === workflowId;
    const isWaited = next !== null && next !== providerId;
    if (last !== undefined && !isOwn && (last.busy || isWaited)) {
      if (next === null || next === providerId || next === last.provider_id)
        await transaction
          .updateTable('content_turns')
          .set({ next_provider_id: providerId })
          .set(sql`next_until`, sql`now() + ${NEXT_SECONDS} * interval '1 second'`)
          .where('card', '=', card)
          .execute();
      return { behind: last.workflow_id };
    }
    const until = sql<Date>`now() + ${TURN_SECONDS} * interval '1 second'`;
    // Its own visits are one turn to whoever waits.
    const more = isOwn && isWaited ? KEPT : ANEW;
    const { rows } = await sql<{ readonly number: string }>`
      INSERT INTO content_turns (card, number, workflow_id, provider_id, until)
      VALUES (${card}, ${nextNumber}, ${workflowId}, ${providerId}, ${until})
      ON CONFLICT (card) DO UPDATE SET number = excluded.number, workflow_id = excluded.workflow_id,
        provider_id = excluded.provider_id${more}
      RETURNING number`.execute(transaction);
    return { turn: String(rows[0]?.number) };
  });
}

/**
 * Is this still the card's newest turn? Asked in the transaction that goes by it.
 *
 * @param transaction one that looks at the names
 */
export async function hasTurn(transaction: Database, cardId: CardId, turn: Turn): Promise<boolean> {
  const row = await transaction
    .selectFrom('content_turns')
    .select('card')
    .where('card', '=', cardIdText(cardId))
    .where('number', '=', turn)
    .executeTakeFirst();
  return row !== undefined;
}
