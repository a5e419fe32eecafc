// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { StepRecord } from '../wire/message/key-distribution.ts';
import { type Statement, together } from './pipelined-driver.ts';

/** What each row of a workflow cost so far: the report and the live ladder read it. */

export const STEP_LOG_SQL = `
  CREATE TABLE workflow_steps (
    workflow_id text NOT NULL,
    numeral text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    sender text NOT NULL,
    receiver text NOT NULL,
    commands jsonb NOT NULL,
    apdus integer NOT NULL,
    round_trips integer NOT NULL,
    bytes_out integer NOT NULL,
    bytes_in integer NOT NULL,
    ms double precision NOT NULL,
    PRIMARY KEY (workflow_id, numeral)
  );
`;

/** How a row's trip went to the card. */
export const STEP_BEARER_SQL = 'ALTER TABLE workflow_steps ADD COLUMN bearer text;';

interface StepTable {
  workflow_id: string;
  numeral: string;
  name: string;
  sender: string;
  receiver: string;
  commands: string;
  apdus: number;
  round_trips: number;
  bytes_out: number;
  bytes_in: number;
  ms: number;
  bearer: string | null;
}

export interface StepTables {
  workflow_steps: StepTable;
}

export class StepLog {
  readonly #database: Kysely<StepTables>;

  constructor(database: Kysely<StepTables>) {
    this.#database = database;
  }

  /** Adds a row; a row that is done again after a break keeps its place and adds its cost. */
  async add(workflowId: string, step: StepRecord): Promise<void> {
    await addSteps(this.#database, workflowId, [step]);
  }

  /** Rows in the order in which they were first done, at most 64. */
  async list(workflowId: string): Promise<StepRecord[]> {
    const rows = await this.#database
      .selectFrom('workflow_steps')
      .selectAll()
      .where('workflow_id', '=', workflowId)
      .orderBy(sql`position`)
      .limit(64)
      .execute();
    return rows.map((row) => ({
      numeral: row.numeral,
      name: row.name,
      from: row.sender,
      to: row.receiver,
      commands: row.commands as unknown as string[],
      apdus: row.apdus,
      roundTrips: row.round_trips,
      bytesOut: row.bytes_out,
      bytesIn: row.bytes_in,
      ms: row.ms,
      ...(row.bearer === null ? {} : { bearer: row.bearer }),
    }));
  }
}

/** Adds rows, each numeral once; a row that is there already keeps its place and adds its cost. */
export async function addSteps<T>(
  database: Kysely<T>,
  workflowId: string,
  steps: readonly StepRecord[],
): Promise<void> {
  await together(database, addingSteps(workflowId, steps));
}

/** The statement of `addSteps`; none for no rows. */
export function addingSteps(workflowId: string, steps: readonly StepRecord[]): Statement[] {
  if (steps.length === 0) return [];
  const statement = sql`${insertion(workflowId, steps)} ON CONFLICT (workflow_id, numeral) DO UPDATE SET
    commands = CASE WHEN jsonb_array_length(workflow_steps.commands) > 32 THEN excluded.commands
      ELSE workflow_steps.commands || excluded.commands END,
    apdus = workflow_steps.apdus + excluded.apdus, round_trips = workflow_steps.round_trips + excluded.round_trips,
    bytes_out = workflow_steps.bytes_out + excluded.bytes_out, bytes_in = workflow_steps.bytes_in + excluded.bytes_in,
    ms = workflow_steps.ms + excluded.ms, bearer = coalesce(excluded.bearer, workflow_steps.bearer)`;
  return [statement];
}

/** Takes over rows that another platform keeps: the newest figures replace the older ones. None for no rows. */
export function copyingSteps(workflowId: string, steps: readonly StepRecord[]): Statement[] {
  if (steps.length === 0) return [];
  const statement = sql`${insertion(workflowId, steps)} ON CONFLICT (workflow_id, numeral) DO UPDATE SET
    commands = excluded.commands, apdus = excluded.apdus, round_trips = excluded.round_trips,
    bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in, ms = excluded.ms,
    bearer = excluded.bearer`;
  return [statement];
}

/** A column `steps` with the rows of one workflow, at most 64, for a query that names the column of its id. */
export const stepsOf = (idColumn: string) =>
  sql<StepRecord[]>`(SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(step) - 'place') ORDER BY place), '[]') FROM (
    SELECT position AS place, numeral, name, sender AS "from", receiver AS "to", commands, apdus,
      round_trips AS "roundTrips", bytes_out AS "bytesOut", bytes_in AS "bytesIn", ms, bearer
    FROM workflow_steps WHERE workflow_id = ${sql.ref(idColumn)} ORDER BY position LIMIT 64) AS step)`.as('steps');

const insertion = (workflowId: string, steps: readonly StepRecord[]) => sql`
  INSERT INTO workflow_steps
    (workflow_id, numeral, name, sender, receiver, commands, apdus, round_trips, bytes_out, bytes_in, ms, bearer)
  SELECT ${workflowId}, numeral, name, "from", "to", commands, apdus, "roundTrips", "bytesOut", "bytesIn", ms, bearer
  FROM jsonb_to_recordset(${JSON.stringify(steps)}::jsonb) AS step (numeral text, name text, "from" text, "to" text,
    commands jsonb, apdus integer, "roundTrips" integer, "bytesOut" integer, "bytesIn" integer, ms double precision,
    bearer text)`;
