// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { ContentChangeState } from '../../wire/message/content-change.ts';
import type { DeploymentState, TopUpState } from '../../wire/message/platform.ts';
import { stepsOf } from '../step-log.ts';
import type { ProviderTables } from './schema.ts';

/** Deployments, top-ups and content changes, and how they ended. */

type Database = Kysely<ProviderTables>;
export type ProductFlowKind = 'deployment' | 'top-up' | 'content-change' | 'balance-move';
export type ProductFlowResult = Pick<DeploymentState, 'instance' | 'problem'> &
  Pick<TopUpState, 'outcome' | 'balanceBefore' | 'balanceAfter' | 'tacVerified'> &
  Pick<ContentChangeState, 'tokenId' | 'receipt' | 'confirmation'>;

/** Keeps the row of a flow that is there already, and says false. */
export async function addProductFlow(database: Database, id: string, kind: ProductFlowKind): Promise<boolean> {
  const added = await database
    .insertInto('product_flows')
    .values({ id, kind, state: 'running', result: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return added !== undefined;
}

/** The first end counts. */
export async function finishProductFlow(
  database: Database,
  id: string,
  state: 'done' | 'failed',
  result: ProductFlowResult,
): Promise<void> {
  await database
    .updateTable('product_flows')
    .set({ state, result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute();
}

/** A flow that failed is to run again. False when it did not fail. */
export async function reopenProductFlow(database: Database, id: string): Promise<boolean> {
  const row = await database
    .updateTable('product_flows')
    .set({ state: 'running', result: null })
    .where('id', '=', id)
    .where('state', '=', 'failed')
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function findProductFlow(database: Database, id: string, kind: ProductFlowKind) {
  const row = await database
    .selectFrom('product_flows')
    .selectAll()
    .select(stepsOf('product_flows.id'))
    .where('id', '=', id)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...toRow(row), steps: row.steps };
}

/** Ends flows that say they run although no workflow does. Returns how many. */
export async function endLostProductFlows(database: Database, problem: ProductFlowResult['problem']): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE product_flows SET state = 'failed', result = ${JSON.stringify({ problem })}::jsonb
    WHERE state = 'running' AND NOT EXISTS
      (SELECT 1 FROM workflows WHERE workflows.id = product_flows.id AND workflows.state <> 'ended')`.execute(database);
  return Number(numAffectedRows ?? 0);
}

function toRow(row: Selectable<ProviderTables['product_flows']>) {
  // The driver has parsed the column.
  const result = row.result as unknown as ProductFlowResult | null;
  return { id: row.id, state: row.state, ...result };
}
