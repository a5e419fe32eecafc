// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { FrontTables } from './schema.ts';

/** Service nodes that say themselves that they are there: every node of the front knows of them. */

/** How long a word of a node holds. */
export const HEARTBEAT_S = 15;
/** Nodes of one pool: more would be a mistake. */
const MAX_NODES = 64;

/** @returns false when the pool is full */
export async function noteServiceNode(database: Kysely<FrontTables>, pool: string, origin: string): Promise<boolean> {
  return database.transaction().execute(async (transaction) => {
    await sql`DELETE FROM service_nodes WHERE seen_at < now() - ${HEARTBEAT_S} * interval '1 second'`.execute(
      transaction,
    );
    await transaction
      .insertInto('service_nodes')
      .values({ pool, origin })
      .onConflict((conflict) => conflict.columns(['pool', 'origin']).doUpdateSet({ seen_at: sql<Date>`now()` }))
      .execute();
    const { count } = await transaction
      .selectFrom('service_nodes')
      .select((select) => select.fn.countAll<string>().as('count'))
      .where('pool', '=', pool)
      .executeTakeFirstOrThrow();
    if (Number(count) <= MAX_NODES) return true;
    await forget(transaction, pool, origin);
    return false;
  });
}

export async function forgetServiceNode(database: Kysely<FrontTables>, pool: string, origin: string): Promise<void> {
  await forget(database, pool, origin);
}

async function forget(database: Kysely<FrontTables>, pool: string, origin: string): Promise<void> {
  await database.deleteFrom('service_nodes').where('pool', '=', pool).where('origin', '=', origin).execute();
}

/** Origins by pool. */
export async function listServiceNodes(database: Kysely<FrontTables>): Promise<Map<string, string[]>> {
  const rows = await database
    .selectFrom('service_nodes')
    .select(['pool', 'origin'])
    .where('seen_at', '>', sql<Date>`now() - ${HEARTBEAT_S} * interval '1 second'`)
    .orderBy('origin')
    .execute();
  const pools = new Map<string, string[]>();
  for (const { pool, origin } of rows) pools.set(pool, [...(pools.get(pool) ?? []), origin]);
  return pools;
}
