// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Problem } from '../../wire/message/common.ts';
import type { ApplicationProblem } from '../../wire/message/platform.ts';
import { stepsOf } from '../step-log.ts';
import type { IssuerTables } from './schema.ts';

/** Requests for LOAD and INSTALL into a provider's domain, and how they ended. */

type Database = Kysely<IssuerTables>;

/** Keeps the row of a request that is there already, and says false. */
export async function addApplicationRequest(
  database: Database,
  requestId: string,
  providerId: string,
): Promise<boolean> {
  const added = await database
    .insertInto('application_requests')
    .values({ request_id: requestId, provider_id: providerId, state: 'running', problem: null, touched: false })
    .onConflict((conflict) => conflict.doNothing())
    .returning('request_id')
    .executeTakeFirst();
  return added !== undefined;
}

/** Before the first command that changes the card. */
export async function recordTouching(database: Database, requestId: string): Promise<void> {
  await database
    .updateTable('application_requests')
    .set({ touched: true })
    .where('request_id', '=', requestId)
    .where('touched', '=', false)
    .execute();
}

/**
 * The first end counts.
 *
 * @param problem says `untouched` where it is a refusal and no try of the request has changed the card
 */
export async function finishApplicationRequest(
  database: Database,
  requestId: string,
  problem?: ApplicationProblem,
): Promise<void> {
  const { untouched, ...told } = problem ?? {};
  const failed = sql<string>`${JSON.stringify(told)}::jsonb ||
    CASE WHEN touched OR NOT ${untouched === true}::boolean THEN '{}'::jsonb ELSE '{"untouched": true}'::jsonb END`;
  await database
    .updateTable('application_requests')
    .set(problem === undefined ? { state: 'done' } : { state: 'failed', problem: failed })
    .where('request_id', '=', requestId)
    .where('state', '=', 'running')
    .execute();
}

/** A request that failed is to run again. False when it did not fail. */
export async function reopenApplicationRequest(database: Database, requestId: string): Promise<boolean> {
  const row = await database
    .updateTable('application_requests')
    .set({ state: 'running', problem: null })
    .where('request_id', '=', requestId)
    .where('state', '=', 'failed')
    .returning('request_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The request and the rows of its steps, in one statement. */
export async function findApplicationRequest(database: Database, requestId: string) {
  const row = await database
    .selectFrom('application_requests')
    .selectAll()
    .select(stepsOf('application_requests.request_id'))
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...toRow(row), steps: row.steps };
}

/** Ends requests that say they run although no workflow does. Returns how many. */
export async function endLostApplicationRequests(database: Database, problem: Problem): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE application_requests SET state = 'failed', problem = ${JSON.stringify(problem)}::jsonb
    WHERE state = 'running' AND NOT EXISTS
      (SELECT 1 FROM workflows WHERE workflows.id = request_id AND workflows.state <> 'ended')`.execute(database);
  return Number(numAffectedRows ?? 0);
}

function toRow(row: Selectable<IssuerTables['application_requests']>) {
  // The driver has parsed the column.
  const problem = row.problem as unknown as Problem | null;
  return {
    requestId: row.request_id,
    providerId: row.provider_id,
    state: row.state,
    ...(problem === null ? {} : { problem }),
  };
}
