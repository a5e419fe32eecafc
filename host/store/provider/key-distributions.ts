import type { Kysely } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { ProviderTables } from './schema.ts';

/** Flows 41 to 60 and how they ended. */

export type KeyDistributionResult = Pick<
  KeyDistributionState,
  'outcome' | 'refusedAt' | 'foundBy' | 'isolation' | 'ssd' | 'problem'
>;

export interface KeyDistributionRow {
  readonly id: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly keySizeBits: number;
  readonly state: 'running' | 'done' | 'failed';
  readonly cardId?: CardId;
  readonly result?: KeyDistributionResult;
}

type Database = Kysely<ProviderTables>;

/** Keeps the row of a flow that is there already. */
export async function addKeyDistribution(
  database: Database,
  row: Pick<KeyDistributionRow, 'id' | 'terminalId' | 'readerName' | 'keySizeBits'>,
): Promise<void> {
  await database
    .insertInto('key_distributions')
    .values({
      id: row.id,
      terminal_id: row.terminalId,
      reader_name: row.readerName,
      key_size_bits: row.keySizeBits,
      state: 'running',
      card: null,
      result: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function recordCard(database: Database, id: string, cardId: CardId): Promise<void> {
  await database
    .updateTable('key_distributions')
    .set({ card: cardIdText(cardId) })
    .where('id', '=', id)
    .execute();
}

export async function finishKeyDistribution(
  database: Database,
  id: string,
  state: 'done' | 'failed',
  result: KeyDistributionResult,
): Promise<void> {
  await database
    .updateTable('key_distributions')
    .set({ state, result: JSON.stringify(result) })
    .where('id', '=', id)
    .execute();
}

export async function findKeyDistribution(database: Database, id: string): Promise<KeyDistributionRow | undefined> {
  const row = await database.selectFrom('key_distributions').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const result = row.result as unknown as KeyDistributionResult | null;
  return {
    id: row.id,
    terminalId: row.terminal_id,
    readerName: row.reader_name,
    keySizeBits: row.key_size_bits,
    state: row.state,
    ...(row.card === null ? {} : { cardId: cardIdOfText(row.card) }),
    ...(result === null ? {} : { result }),
  };
}
