// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Problem } from '../../wire/message/common.ts';
import type { SecurityDomainReport, StepRecord } from '../../wire/message/key-distribution.ts';
import type { InitialKeyBlob } from '../../wire/message/security-domain-resource.ts';
import { stepsOf } from '../step-log.ts';
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

/** Keeps the row of a request that is there already, and says false. */
export async function addRequest(database: Database, requestId: string, providerId: string): Promise<boolean> {
  const added = await database
    .insertInto('security_domain_requests')
    .values({
      request_id: requestId,
      provider_id: providerId,
      state: 'running',
      report: null,
      problem: null,
      key_blob: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('request_id')
    .executeTakeFirst();
  return added !== undefined;
}

/** The first end counts: a request that was cancelled stays so. */
export async function finishRequest(
  database: Database,
  requestId: string,
  end: { readonly report?: SecurityDomainReport; readonly keyBlob?: InitialKeyBlob } | { readonly problem: Problem },
): Promise<void> {
  const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
  const values =
    'problem' in end
      ? { state: 'failed' as const, report: null, problem: JSON.stringify(end.problem) }
      : { state: 'done' as const, report: json(end.report), problem: null, key_blob: json(end.keyBlob) };
  await database
    .updateTable('security_domain_requests')
    .set(values)
    .where('request_id', '=', requestId)
    .where('state', '=', 'running')
    .execute();
  if (!('problem' in end)) return;
  // What a resource has made is in nobody's service: its row still says so when the request is forgotten.
  await sql`UPDATE applications SET state = 'creating'
    FROM security_domain_resources AS resource JOIN security_domain_requests AS request USING (request_id)
    WHERE resource.request_id = ${requestId} AND request.state = 'failed' AND applications.card = resource.card
      AND applications.aid = resource.ssd_aid AND applications.workflow_id = resource.request_id`.execute(database);
}

/** The keys that were made for the owner, once: in the transaction that notes the hand-over. */
export async function takeKeyBlob(transaction: Database, requestId: string): Promise<InitialKeyBlob | undefined> {
  const row = await transaction
    .selectFrom('security_domain_requests')
    .select('key_blob')
    .where('request_id', '=', requestId)
    .forUpdate()
    .executeTakeFirst();
  await transaction
    .updateTable('security_domain_requests')
    .set({ key_blob: null })
    .where('request_id', '=', requestId)
    .execute();
  // The driver has parsed the column.
  return (row?.key_blob ?? undefined) as unknown as InitialKeyBlob | undefined;
}

/** A request that failed is to run again. False when it did not fail. */
export async function reopenRequest(database: Database, requestId: string): Promise<boolean> {
  const row = await database
    .updateTable('security_domain_requests')
    .set({ state: 'running', report: null, problem: null })
    .where('request_id', '=', requestId)
    .where('state', '=', 'failed')
    .returning('request_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The request and the rows of its steps, in one statement. */
export async function findRequest(
  database: Database,
  requestId: string,
): Promise<(SecurityDomainRequestRow & { readonly steps: StepRecord[] }) | undefined> {
  const row = await database
    .selectFrom('security_domain_requests')
    .selectAll()
    .select(stepsOf('security_domain_requests.request_id'))
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...toRow(row), steps: row.steps };
}

/** Requests that say they run although no workflow does, for so long that nobody will bring one. */
export async function listLostRequests(database: Database, olderThanMs: number): Promise<SecurityDomainRequestRow[]> {
  const rows = await database
    .selectFrom('security_domain_requests')
    .selectAll()
    .where('state', '=', 'running')
    .where(sql<boolean>`at < now() - ${olderThanMs} * interval '1 millisecond'`)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('workflows')
            .select('workflows.id')
            .whereRef('workflows.id', '=', 'security_domain_requests.request_id')
            .where('workflows.state', '<>', 'ended'),
        ),
      ),
    )
    .limit(1_000)
    .execute();
  return rows.map(toRow);
}

function toRow(row: Selectable<IssuerTables['security_domain_requests']>): SecurityDomainRequestRow {
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
