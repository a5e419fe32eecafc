// SPDX-License-Identifier: Apache-2.0
import pg from 'pg';

/** What the daemons cost PostgreSQL, by its own counters. */

export interface DatabaseLoad {
  /** Transactions of all databases, committed and rolled back. */
  readonly transactions: number;
  /** Bytes of the write-ahead log. */
  readonly bytesWritten: number;
}

/** A connection that has nothing to do hands its counters in after ten seconds (PGSTAT_IDLE_INTERVAL). */
export const COUNTERS_SETTLE_MS = 11_000;

/** Counters since the server started; take them when every connection has handed in its own. */
export async function databaseLoad(adminUrl: string): Promise<DatabaseLoad> {
  return withAdmin(adminUrl, async (client) => {
    const { rows } = await client.query<{ transactions: string; bytes: string }>(
      `SELECT (SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database) AS transactions,
        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes`,
    );
    return { transactions: Number(rows[0]?.transactions), bytesWritten: Number(rows[0]?.bytes) };
  });
}

/** Ends every connection to these databases, as an administrator or a firewall does. Returns how many those were. */
export async function cutConnections(adminUrl: string, databases: readonly string[]): Promise<number> {
  return withAdmin(adminUrl, async (client) => {
    const { rowCount } = await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1) AND pid <> pg_backend_pid()',
      [databases],
    );
    return rowCount ?? 0;
  });
}

async function withAdmin<T>(adminUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
