// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { Problem } from '../wire/message/common.ts';
import type { FlowSummary } from '../wire/message/flow.ts';

/** Flows as operators list them: the workflow and the platform's own row of it, in one view of each platform. */

/** @param rows SELECT of `id`, `row_state` and `problem` of the platform's own rows */
export const flowsViewSql = (rows: string): string => `
  CREATE VIEW flows AS SELECT id, kind, fair_key, owner, version, tries, cancelled, queued_at, updated_at, problem,
    CASE WHEN state = 'ended' THEN coalesce(row_state, 'failed') ELSE state END AS state
  FROM workflows LEFT JOIN (${rows}) AS own USING (id);
`;

export interface FlowFilter {
  readonly state?: FlowSummary['state'];
  /** For whom it runs. */
  readonly provider?: string;
  readonly limit: number;
  /** Id of the last flow of the page before. */
  readonly after?: string;
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly fair_key: string;
  readonly owner: string | null;
  readonly version: string;
  readonly tries: number;
  readonly cancelled: boolean;
  readonly queued_at: Date;
  readonly updated_at: Date;
  readonly problem: Problem | null;
  readonly state: FlowSummary['state'];
}

/** Newest first. */
export async function listFlows<T>(
  database: Kysely<T>,
  { state, provider, limit, after }: FlowFilter,
): Promise<FlowSummary[]> {
  const ofState = state === undefined ? sql`true` : sql`state = ${state}`;
  const ofProvider = provider === undefined ? sql`true` : sql`fair_key = ${provider}`;
  const later =
    after === undefined ? sql`true` : sql`(queued_at, id) < (SELECT queued_at, id FROM workflows WHERE id = ${after})`;
  const { rows } = await sql<Row>`
    SELECT * FROM flows WHERE ${ofState} AND ${ofProvider} AND ${later} ORDER BY queued_at DESC, id DESC LIMIT ${limit}`.execute(
    database,
  );
  return rows.map(toSummary);
}

export async function findFlow<T>(database: Kysely<T>, id: string): Promise<FlowSummary | undefined> {
  const { rows } = await sql<Row>`SELECT * FROM flows WHERE id = ${id}`.execute(database);
  return rows[0] === undefined ? undefined : toSummary(rows[0]);
}

function toSummary(row: Row): FlowSummary {
  const node = row.owner?.split('/')[0];
  return {
    id: row.id,
    kind: row.kind,
    providerId: row.fair_key,
    state: row.state,
    tries: row.tries,
    ...(node === undefined ? {} : { node }),
    version: row.version,
    cancelRequested: row.cancelled,
    queuedAt: row.queued_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.problem === null ? {} : { problem: row.problem }),
  };
}
