import { type Kysely, sql } from 'kysely';
import type { StepRecord } from '../wire/message/key-distribution.ts';

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
    await this.#upsert(workflowId, step)
      .onConflict((conflict) =>
        conflict.columns(['workflow_id', 'numeral']).doUpdateSet({
          commands: sql`CASE WHEN jsonb_array_length(workflow_steps.commands) > 32 THEN excluded.commands
            ELSE workflow_steps.commands || excluded.commands END`,
          apdus: sql`workflow_steps.apdus + excluded.apdus`,
          round_trips: sql`workflow_steps.round_trips + excluded.round_trips`,
          bytes_out: sql`workflow_steps.bytes_out + excluded.bytes_out`,
          bytes_in: sql`workflow_steps.bytes_in + excluded.bytes_in`,
          ms: sql`workflow_steps.ms + excluded.ms`,
        }),
      )
      .execute();
  }

  /** Takes over a row that another platform keeps: the newest figures replace the older ones. */
  async copy(workflowId: string, step: StepRecord): Promise<void> {
    await this.#upsert(workflowId, step)
      .onConflict((conflict) =>
        conflict.columns(['workflow_id', 'numeral']).doUpdateSet({
          commands: sql`excluded.commands`,
          apdus: sql`excluded.apdus`,
          round_trips: sql`excluded.round_trips`,
          bytes_out: sql`excluded.bytes_out`,
          bytes_in: sql`excluded.bytes_in`,
          ms: sql`excluded.ms`,
        }),
      )
      .execute();
  }

  #upsert(workflowId: string, step: StepRecord) {
    return this.#database.insertInto('workflow_steps').values({
      workflow_id: workflowId,
      numeral: step.numeral,
      name: step.name,
      sender: step.from,
      receiver: step.to,
      commands: JSON.stringify(step.commands),
      apdus: step.apdus,
      round_trips: step.roundTrips,
      bytes_out: step.bytesOut,
      bytes_in: step.bytesIn,
      ms: step.ms,
    });
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
    }));
  }
}
