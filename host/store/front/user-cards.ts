// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { FrontTables } from './schema.ts';

/** Which user holds which card, by which names. */

type Database = Kysely<FrontTables>;

/** The card, as flows name it, that this user has under this name; undefined when it is none of his. */
export async function heldCard(database: Database, subject: string, name: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('user_cards')
    .select(['card', 'main'])
    .where('subject', '=', subject)
    .where('card', '=', name)
    .executeTakeFirst();
  return row?.main ?? row?.card;
}

export async function holdsCard(database: Database, subject: string, card: string): Promise<boolean> {
  return (await heldCard(database, subject, card)) === card;
}

/** Values of all names that this user's card has, whatever their kind. */
export async function namesOfCard(database: Database, subject: string, card: string): Promise<string[]> {
  const rows = await database
    .selectFrom('user_cards')
    .select('card')
    .where('subject', '=', subject)
    .where((where) => where.or([where('card', '=', card), where('main', '=', card)]))
    .orderBy('card')
    .limit(100)
    .execute();
  return rows.map((row) => row.card.slice(row.card.indexOf(':') + 1));
}

/** @param main name by which flows know it, where that is another one */
export async function putUserCard(database: Database, subject: string, card: string, main?: string): Promise<void> {
  const named = { main: main ?? null };
  await database
    .insertInto('user_cards')
    .values({ subject, card, ...named })
    .onConflict((conflict) => conflict.columns(['subject', 'card']).doUpdateSet(named))
    .execute();
}

/** Its further names go with it. */
export async function deleteUserCard(database: Database, subject: string, card: string): Promise<void> {
  await database
    .deleteFrom('user_cards')
    .where('subject', '=', subject)
    .where((where) => where.or([where('card', '=', card), where('main', '=', card)]))
    .execute();
}

/** As flows name them. */
export async function listUserCards(database: Database, subject: string): Promise<string[]> {
  const rows = await database
    .selectFrom('user_cards')
    .select('card')
    .where('subject', '=', subject)
    .where('main', 'is', null)
    .orderBy('card')
    .limit(1_000)
    .execute();
  return rows.map(({ card }) => card);
}
