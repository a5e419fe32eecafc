// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { FrontTables } from './schema.ts';

/** Which user holds which card. */

type Database = Kysely<FrontTables>;

export async function holdsCard(database: Database, subject: string, card: string): Promise<boolean> {
  const row = await database
    .selectFrom('user_cards')
    .select('card')
    .where('subject', '=', subject)
    .where('card', '=', card)
    .executeTakeFirst();
  return row !== undefined;
}

export async function putUserCard(database: Database, subject: string, card: string): Promise<void> {
  await database
    .insertInto('user_cards')
    .values({ subject, card })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function deleteUserCard(database: Database, subject: string, card: string): Promise<void> {
  await database.deleteFrom('user_cards').where('subject', '=', subject).where('card', '=', card).execute();
}

export async function listUserCards(database: Database, subject: string): Promise<string[]> {
  const rows = await database
    .selectFrom('user_cards')
    .select('card')
    .where('subject', '=', subject)
    .orderBy('card')
    .limit(1_000)
    .execute();
  return rows.map(({ card }) => card);
}
