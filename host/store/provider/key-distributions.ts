// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import { stepsOf } from '../step-log.ts';
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
  /** The one card that it is for, where that was said when it was begun. */
  readonly onlyCard?: CardId;
  readonly result?: KeyDistributionResult;
}

type Database = Kysely<ProviderTables>;

/** Keeps the row of a flow that is there already, and says false. */
export async function addKeyDistribution(
  database: Database,
  row: Pick<KeyDistributionRow, 'id' | 'terminalId' | 'readerName' | 'keySizeBits' | 'onlyCard'>,
): Promise<boolean> {
  const added = await database
    .insertInto('key_distributions')
    .values({
      id: row.id,
      terminal_id: row.terminalId,
      reader_name: row.readerName,
      key_size_bits: row.keySizeBits,
      state: 'running',
      card: null,
      only_card: row.onlyCard === undefined ? null : cardIdText(row.onlyCard),
      result: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return added !== undefined;
}

/**
 * The flow `id` has read this card: it is the workflow's until that ends. One statement: of two that read it at the
 * same time one has it.
 *
 * @returns the workflow that has the card and has not ended; undefined: the card is this one's now
 */
export async function claimCard(
  database: Database,
  { id, workflowId, cardId }: { readonly id: string; readonly workflowId: string; readonly cardId: CardId },
): Promise<string | undefined> {
  const card = cardIdText(cardId);
  const { rows } = await sql`
    WITH read AS (UPDATE key_distributions SET card = ${card} WHERE id = ${id})
    INSERT INTO card_claims AS known (card, workflow_id) VALUES (${card}, ${workflowId})
    ON CONFLICT (card) DO UPDATE SET workflow_id = excluded.workflow_id
      WHERE known.workflow_id = excluded.workflow_id
        OR NOT EXISTS (SELECT 1 FROM workflows WHERE workflows.id = known.workflow_id AND workflows.state <> 'ended')
    RETURNING card`.execute(database);
  if (rows.length > 0) return undefined;
  const claim = await database
    .selectFrom('card_claims')
    .select('workflow_id')
    .where('card', '=', card)
    .executeTakeFirst();
  return claim?.workflow_id;
}

/** The first end counts. */
export async function finishKeyDistribution(
  database: Database,
  id: string,
  state: 'done' | 'failed',
  result: KeyDistributionResult,
): Promise<void> {
  await finishingKeyDistribution(database, id, state, result).execute();
}

/** The statement of it. */
export const finishingKeyDistribution = (
  database: Database,
  id: string,
  state: 'done' | 'failed',
  result: KeyDistributionResult,
) =>
  database
    .updateTable('key_distributions')
    .set({ state, result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('state', '=', 'running');

/** A flow that failed is to run again. False when it did not fail. */
export async function reopenKeyDistribution(database: Database, id: string): Promise<boolean> {
  const row = await database
    .updateTable('key_distributions')
    .set({ state: 'running', result: null })
    .where('id', '=', id)
    .where('state', '=', 'failed')
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The row and the rows of its steps, in one statement. */
export async function findKeyDistributionWithSteps(database: Database, id: string) {
  const row = await database
    .selectFrom('key_distributions')
    .selectAll()
    .select(stepsOf('key_distributions.id'))
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...toRow(row), steps: row.steps };
}

/** Flows that say they run although no workflow does. */
export async function listLostKeyDistributions(database: Database): Promise<KeyDistributionRow[]> {
  const rows = await database
    .selectFrom('key_distributions')
    .selectAll()
    .where('state', '=', 'running')
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('workflows')
            .select('workflows.id')
            .whereRef('workflows.id', '=', 'key_distributions.id')
            .where('workflows.state', '<>', 'ended'),
        ),
      ),
    )
    .limit(1_000)
    .execute();
  return rows.map(toRow);
}

function toRow(row: Selectable<ProviderTables['key_distributions']>): KeyDistributionRow {
  const result = row.result as unknown as KeyDistributionResult | null;
  return {
    id: row.id,
    terminalId: row.terminal_id,
    readerName: row.reader_name,
    keySizeBits: row.key_size_bits,
    state: row.state,
    ...(row.card === null ? {} : { cardId: cardIdOfText(row.card) }),
    ...(row.only_card === null ? {} : { onlyCard: cardIdOfText(row.only_card) }),
    ...(result === null ? {} : { result }),
  };
}
