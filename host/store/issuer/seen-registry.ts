// SPDX-License-Identifier: Apache-2.0
import { type ColumnType, type Generated, type Kysely, sql } from 'kysely';
import type { CardResources } from '../../wire/gp/card-resources.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { SeenEntry, SeenRegistry } from '../../wire/message/secure-elements.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';

/** Registry and memory of cards as they were seen last, by whatever flow looked. */

export const SEEN_REGISTRY_SQL = `
  CREATE TABLE seen_entries (
    card text NOT NULL REFERENCES cards, kind text NOT NULL, aid text NOT NULL, entry jsonb NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (card, kind, aid)
  );
  CREATE TABLE seen_cards (
    card text PRIMARY KEY REFERENCES cards, read_at timestamptz, memory jsonb, memory_at timestamptz
  );
`;

export interface SeenTables {
  seen_entries: {
    card: string;
    kind: SeenEntry['kind'];
    aid: string;
    entry: ColumnType<SeenEntry, string, string>;
    seen_at: Generated<Date>;
  };
  seen_cards: {
    card: string;
    read_at: Date | null;
    memory: ColumnType<CardResources | null, string | null, string | null>;
    memory_at: Date | null;
  };
}

type Database = Kysely<SeenTables>;

/** These are there. What was known of one and is not told now stays. */
export async function recordSeen(database: Database, cardId: CardId, entries: readonly SeenEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const card = cardIdText(cardId);
  await database
    .insertInto('seen_entries')
    .values(entries.map((entry) => ({ card, kind: entry.kind, aid: entry.aid, entry: JSON.stringify(entry) })))
    .onConflict((conflict) =>
      conflict.columns(['card', 'kind', 'aid']).doUpdateSet({
        entry: sql`seen_entries.entry || excluded.entry`,
        seen_at: sql`now()`,
      }),
    )
    .execute();
}

/** All applications that the card has, or with `complete` false the first of them; its memory where it tells that. */
export async function recordRead(
  database: Database,
  cardId: CardId,
  read: { readonly entries: readonly SeenEntry[]; readonly complete: boolean; readonly memory?: CardResources },
): Promise<void> {
  const card = cardIdText(cardId);
  const { entries, complete } = read;
  const memory = read.memory === undefined ? undefined : JSON.stringify(read.memory);
  await database.transaction().execute(async (transaction) => {
    // One writer for each card at a time.
    await sql`
      INSERT INTO seen_cards (card) VALUES (${card})
      ON CONFLICT (card) DO UPDATE SET card = excluded.card`.execute(transaction);
    if (complete)
      await transaction.deleteFrom('seen_entries').where('card', '=', card).where('kind', '=', 'application').execute();
    await recordSeen(transaction, cardId, entries);
    await transaction
      .updateTable('seen_cards')
      .set({
        ...(complete ? { read_at: sql<Date>`now()` } : {}),
        ...(memory === undefined ? {} : { memory, memory_at: sql<Date>`now()` }),
        card,
      })
      .where('card', '=', card)
      .execute();
  });
}

/** These are gone. */
export async function forgetSeen(
  database: Database,
  cardId: CardId,
  gone: readonly Pick<SeenEntry, 'kind' | 'aid'>[],
): Promise<void> {
  for (const { kind, aid } of gone)
    await database
      .deleteFrom('seen_entries')
      .where('card', '=', cardIdText(cardId))
      .where('kind', '=', kind)
      .where('aid', '=', aid)
      .execute();
}

export async function findSeen(database: Database, card: string): Promise<SeenRegistry> {
  const rows = await database
    .selectFrom('seen_entries')
    .select(['entry', 'seen_at'])
    .where('card', '=', card)
    .orderBy('kind')
    .orderBy('aid')
    .limit(1_000)
    .execute();
  const read = await database.selectFrom('seen_cards').selectAll().where('card', '=', card).executeTakeFirst();
  const { read_at: readAt, memory, memory_at: memoryAt } = read ?? {};
  return {
    cardId: cardIdOfText(card),
    entries: rows.map(({ entry, seen_at: seenAt }) => ({ ...entry, seenAt: seenAt.toISOString() })),
    ...(readAt == null ? {} : { readAt: readAt.toISOString() }),
    ...(memory == null || memoryAt == null ? {} : { memory: { ...memory, seenAt: memoryAt.toISOString() } }),
  };
}
