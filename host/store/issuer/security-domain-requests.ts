import type { Kysely } from 'kysely';
import type { Problem } from '../../wire/message/common.ts';
import type { SecurityDomainReport } from '../../wire/message/key-distribution.ts';
import type { IssuerTables } from './schema.ts';

/** Requests of step 42 and how they ended. */

export interface SecurityDomainRequestRow {
  readonly requestId: string;
  readonly providerId: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly report?: SecurityDomainReport;
  readonly problem?: Problem;
}

type Database = Kysely<IssuerTables>;

/** Keeps the row of a request that is there already. */
export async function addRequest(database: Database, requestId: string, providerId: string): Promise<void> {
  await database
    .insertInto('security_domain_requests')
    .values({ request_id: requestId, provider_id: providerId, state: 'running', report: null, problem: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The first end counts: a request that was cancelled stays so. */
export async function finishRequest(
  database: Database,
  requestId: string,
  end: { readonly report: SecurityDomainReport } | { readonly problem: Problem },
): Promise<void> {
  const values =
    'report' in end
      ? { state: 'done' as const, report: JSON.stringify(end.report), problem: null }
      : { state: 'failed' as const, report: null, problem: JSON.stringify(end.problem) };
  await database
    .updateTable('security_domain_requests')
    .set(values)
    .where('request_id', '=', requestId)
    .where('state', '=', 'running')
    .execute();
}

export async function findRequest(
  database: Database,
  requestId: string,
): Promise<SecurityDomainRequestRow | undefined> {
  const row = await database
    .selectFrom('security_domain_requests')
    .selectAll()
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  // The driver has parsed the two JSON columns.
  const report = row.report as unknown as SecurityDomainReport | null;
  const problem = row.problem as unknown as Problem | null;
  return {
    requestId: row.request_id,
    providerId: row.provider_id,
    state: row.state,
    ...(report === null ? {} : { report }),
    ...(problem === null ? {} : { problem }),
  };
}
