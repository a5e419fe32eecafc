// SPDX-License-Identifier: Apache-2.0
import { type ColumnType, type Generated, type Kysely, type RawBuilder, sql } from 'kysely';
import type { ProcessResult } from '../../wire/message/service-instance.ts';
import type { TsmsTables } from './tsms.ts';

/** Results of processes on their way to the servers of service providers (BSI TR-03165 1.0.4, 4.3). */

export const SPOS_NOTICES_SQL = `
  CREATE TABLE spos_notices (
    number bigserial PRIMARY KEY, process_id text NOT NULL UNIQUE, instance_id text NOT NULL, url text NOT NULL,
    certificate bytea NOT NULL, result jsonb NOT NULL, created_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'given-up')), attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL, reason text
  );
  CREATE INDEX spos_notices_waiting ON spos_notices (instance_id, number) WHERE state = 'waiting';
`;

/** Numbers of ours that a server has asked for. */
export const SPOS_OPTIONS_SQL = `
  CREATE TABLE spos_options (
    config_id uuid PRIMARY KEY REFERENCES tsms_entities ON DELETE CASCADE, operations integer[] NOT NULL
  );
`;

/** Where a notice goes once its service is deleted, and what a retry reads anew. */
export const SPOS_CONFIGS_SQL = `
  ALTER TABLE service_deployments ADD COLUMN spos_config_id text;
  ALTER TABLE spos_notices ADD COLUMN config_id text;
`;

export interface SposTables {
  spos_options: { config_id: string; operations: number[] };
  spos_notices: {
    number: Generated<string>;
    process_id: string;
    instance_id: string;
    url: string;
    certificate: Uint8Array;
    result: ColumnType<ProcessResult, string, never>;
    created_at: ColumnType<Date, Date, never>;
    state: 'waiting' | 'delivered' | 'given-up';
    attempts: ColumnType<number, number | undefined, number>;
    due_at: ColumnType<Date, Date, Date>;
    reason: ColumnType<string | null, string | null | undefined, string | null>;
    /** Null in notices of a release before. */
    config_id: string | null;
  };
}

type Database = Kysely<TsmsTables & SposTables>;

/** A text as the id that it is, which an index finds; null for one that is none. */
const idOf = (text: RawBuilder<unknown>) => sql`CASE WHEN ${text} ~ '^[0-9A-Fa-f-]{36}$' THEN (${text})::uuid END`;
const CERTIFICATE_ID = idOf(sql`config.document ->> 'certificateId'`);

export interface Notice {
  readonly number: string;
  readonly url: string;
  /** The address of the moment of the end: notices with the same one wait for each other. */
  readonly queue: string;
  readonly certificate: Uint8Array;
  readonly result: ProcessResult;
  readonly createdAt: Date;
  readonly attempts: number;
}

/**
 * In the transaction of the process' end, for a service that has a server; the first notice of a process stays.
 *
 * @param kept config of a service that was deleted, for an instance that is gone by now
 */
export async function enqueueNotice(
  transaction: Database,
  result: ProcessResult,
  { at, kept }: { readonly at: Date; readonly kept?: string | undefined },
): Promise<void> {
  const configId = await configIdOf(transaction, result, kept);
  if (configId === undefined) return;
  await sql`
    INSERT INTO spos_notices (process_id, instance_id, url, certificate, result, created_at, state, due_at, config_id)
    SELECT ${result.processId}, ${result.serviceInstanceId}, config.document ->> 'url', content,
      ${JSON.stringify(result)}::jsonb, ${at}, 'waiting', ${at}, ${configId}
    FROM tsms_entities AS config
      JOIN tsms_contents ON tsms_contents.id = ${CERTIFICATE_ID}
    WHERE config.id = ${idOf(sql`${configId}::text`)} AND config.kind = 'SposConfig'
    ON CONFLICT (process_id) DO NOTHING`.execute(transaction);
}

/** Of the service, or else what was kept of it when it was deleted. */
async function configIdOf(
  database: Database,
  { serviceId, serviceInstanceId }: Pick<ProcessResult, 'serviceId' | 'serviceInstanceId'>,
  kept: string | undefined,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string | null }>`SELECT coalesce(
    (SELECT document ->> 'sposConfigId' FROM tsms_entities WHERE id = ${serviceId}::uuid AND kind = 'Service'),
    ${kept ?? null}::text,
    (SELECT spos_config_id FROM service_deployments WHERE instance_id = ${serviceInstanceId})) AS id`.execute(database);
  return rows[0]?.id ?? undefined;
}

/** What the guideline has no number for, and the one that stands for it where a server has not asked for ours. */
export const OWN_OPERATION = {
  execution: { own: 50, standard: undefined },
  block: { own: 60, standard: 30 },
  unblock: { own: 61, standard: 31 },
  /** Another card takes the place of the instance's own (SE_RENEWED). */
  renew: { own: 62, standard: 30 },
  /** The same of one that was suspended before. */
  renewBlocked: { own: 62, standard: undefined },
} as const;

/** As `enqueueNotice`, under the number that the server knows; none where it knows none. */
export async function enqueueOwnNotice(
  transaction: Database,
  result: Omit<ProcessResult, 'requestedOperations'>,
  { operation, at }: { readonly operation: keyof typeof OWN_OPERATION; readonly at: Date },
): Promise<void> {
  const { own, standard } = OWN_OPERATION[operation];
  const configId = await configIdOf(transaction, result, undefined);
  if (configId === undefined) return;
  const { rows } = await sql`
    SELECT 1 FROM spos_options WHERE config_id = ${idOf(sql`${configId}::text`)} AND ${own} = ANY(operations)`.execute(
    transaction,
  );
  const number = rows.length > 0 ? own : standard;
  if (number !== undefined) await enqueueNotice(transaction, { ...result, requestedOperations: [number] }, { at });
}

/** Keeps which numbers of ours a server wants. @returns false for a config that is not this provider's */
export async function putSposOptions(
  database: Database,
  { spId, configId, operations }: { readonly spId: string; readonly configId: string; readonly operations: number[] },
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO spos_options (config_id, operations)
    SELECT id, ${operations}::integer[] FROM tsms_entities
    WHERE id = ${configId}::uuid AND sp_id = ${spId}::uuid AND kind = 'SposConfig'
    ON CONFLICT (config_id) DO UPDATE SET operations = EXCLUDED.operations RETURNING 1`.execute(database);
  return rows.length > 0;
}

/** @returns undefined for a config that is not this provider's */
export async function findSposOptions(
  database: Database,
  { spId, configId }: { readonly spId: string; readonly configId: string },
): Promise<number[] | undefined> {
  const { rows } = await sql<{ operations: number[] }>`
    SELECT coalesce(operations, '{}') AS operations FROM tsms_entities LEFT JOIN spos_options ON config_id = id
    WHERE id = ${configId}::uuid AND sp_id = ${spId}::uuid AND kind = 'SposConfig'`.execute(database);
  return rows[0]?.operations;
}

/**
 * Takes the oldest notice that is due, before which none of its instance waits, for so long: nobody else sends it
 * meanwhile, and whoever took it may die. It goes where the service has its server now, or had it at the end.
 */
export async function claimNotice(database: Database, claim: NoticeClaim): Promise<Notice | undefined> {
  const { rows } = await claimStatement(claim).execute(database);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { number, url, queue, certificate, result, attempts, created_at: createdAt } = row;
  return { number, url, queue, certificate, result, createdAt, attempts };
}

interface NoticeClaim {
  readonly now: Date;
  readonly until: Date;
  readonly not: readonly string[];
}

interface ClaimedRow {
  readonly number: string;
  readonly url: string;
  readonly queue: string;
  readonly certificate: Uint8Array;
  readonly result: ProcessResult;
  readonly created_at: Date;
  readonly attempts: number;
}

/** The statement of `claimNotice`: whatever all providers have, it reads the rows alone that it names. */
export const claimStatement = ({ now, until, not }: NoticeClaim): RawBuilder<ClaimedRow> => sql<ClaimedRow>`
    WITH claimed AS (UPDATE spos_notices SET due_at = ${until} WHERE number = (
      SELECT number FROM spos_notices WHERE state = 'waiting' AND due_at <= ${now} AND url <> ALL(${[...not]}::text[])
        AND NOT EXISTS (SELECT 1 FROM spos_notices AS earlier WHERE earlier.instance_id = spos_notices.instance_id
          AND earlier.state = 'waiting' AND earlier.number < spos_notices.number)
      ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *)
    SELECT number, coalesce(now.url, claimed.url) AS url, claimed.url AS queue,
      coalesce(now.certificate, claimed.certificate) AS certificate, result, created_at, attempts
    FROM claimed LEFT JOIN LATERAL (
      SELECT config.document ->> 'url' AS url, content AS certificate FROM tsms_entities AS config
        JOIN tsms_contents ON tsms_contents.id = ${CERTIFICATE_ID}
      WHERE config.kind = 'SposConfig' AND config.id = coalesce(
        (SELECT ${idOf(sql`document ->> 'sposConfigId'`)} FROM tsms_entities
          WHERE id = ${idOf(sql`result ->> 'serviceId'`)} AND kind = 'Service'),
        ${idOf(sql`config_id`)})) AS now ON true`;

/** It was taken, is tried again, or is given up. */
export async function settleNotice(
  database: Database,
  number: string,
  change: { readonly state: 'waiting' | 'delivered' | 'given-up'; readonly dueAt: Date; readonly reason?: string },
): Promise<void> {
  await database
    .updateTable('spos_notices')
    .set({ state: change.state, due_at: change.dueAt, reason: change.reason ?? null, attempts: sql`attempts + 1` })
    .where('number', '=', number)
    .where('state', '=', 'waiting')
    .execute();
}
