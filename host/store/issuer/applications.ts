// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** Application management: which application the issuer put on which card, for whom. */

export interface ApplicationRow {
  readonly cardId: CardId;
  readonly aid: string;
  readonly providerId: string;
  readonly workflowId: string;
}

type Database = Kysely<IssuerTables>;

/**
 * Records the intent before the card is touched.
 *
 * @throws ConflictError `aid-taken` when another provider has this AID on the card
 */
export async function recordCreating(database: Database, application: ApplicationRow): Promise<void> {
  const card = cardIdText(application.cardId);
  const row = await database
    .insertInto('applications')
    .values({
      card,
      aid: application.aid,
      provider_id: application.providerId,
      state: 'creating',
      workflow_id: application.workflowId,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['card', 'aid'])
        .doUpdateSet({ workflow_id: application.workflowId })
        .where('applications.provider_id', '=', application.providerId),
    )
    .returning('aid')
    .executeTakeFirst();
  if (row === undefined) {
    throw new ConflictError('aid-taken', `Another provider has ${application.aid} on this card`, {
      card,
      aid: application.aid,
    });
  }
}

/** The card has confirmed it; a new card is in use from here on. */
export async function recordCreated(database: Database, cardId: CardId, aid: string): Promise<void> {
  await database
    .updateTable('applications')
    .set({ state: 'created' })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .execute();
  await database
    .updateTable('cards')
    .set({ state: 'ACTIVE', changed_at: sql<Date>`now()` })
    .where('card', '=', cardIdText(cardId))
    .where('state', '=', 'NEW')
    .execute();
}

/** The card has it no more. */
export async function recordDeleted(database: Database, cardId: CardId, aid: string): Promise<void> {
  await database.deleteFrom('applications').where('card', '=', cardIdText(cardId)).where('aid', '=', aid).execute();
}

export async function listApplications(database: Database, cardId: CardId) {
  return database.selectFrom('applications').selectAll().where('card', '=', cardIdText(cardId)).limit(256).execute();
}
