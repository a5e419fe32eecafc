// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';

/** Rows of a flow that go with it, by table and the column of the flow's id. */
export type FlowTablesOfPlatform = Readonly<Record<string, string>>;

const COMMON: FlowTablesOfPlatform = { workflow_steps: 'workflow_id', requests: 'idempotency_key' };
export const ISSUER_FLOW_TABLES: FlowTablesOfPlatform = {
  ...COMMON,
  security_domain_requests: 'request_id',
  application_requests: 'request_id',
};
/** Rows of top-ups stay: they are bookings. */
export const PROVIDER_FLOW_TABLES: FlowTablesOfPlatform = {
  ...COMMON,
  key_distributions: 'id',
  card_relays: 'relay_id',
  card_claims: 'workflow_id',
  service_processes: 'id',
  spos_notices: 'process_id',
};
/** So many at once: one transaction must not hold up the flows that are at work. */
const BATCH = 1_000;

/**
 * Forgets flows that ended more than so many days ago, with their rows, results and idempotency keys: a key that comes
 * again then starts a new flow. What cards and databases hold by them stays.
 *
 * @returns how many
 */
export async function pruneFlows<T>(
  database: Kysely<T>,
  { days, tables }: { readonly days: number; readonly tables: FlowTablesOfPlatform },
): Promise<number> {
  for (let total = 0; ; ) {
    const gone = await database.transaction().execute(async (transaction) => {
      const { rows } = await sql<{ id: string }>`
        DELETE FROM workflows WHERE id IN (SELECT id FROM workflows WHERE state = 'ended'
          AND updated_at < now() - ${days} * interval '1 day' LIMIT ${BATCH}) RETURNING id`.execute(transaction);
      const ids = rows.map(({ id }) => id);
      for (const [table, column] of Object.entries(tables)) {
        await sql`DELETE FROM ${sql.table(table)} WHERE ${sql.ref(column)} = ANY(${ids})`.execute(transaction);
      }
      return ids.length;
    });
    total += gone;
    if (gone < BATCH) return total;
  }
}
