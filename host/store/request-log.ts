// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { ConflictError } from '../errors.ts';

/** Idempotency keys, by the request id that they give with their caller, and what each was first used for. */

export const REQUEST_LOG_SQL = `
  CREATE TABLE requests (
    idempotency_key text PRIMARY KEY,
    caller text NOT NULL,
    body_sha256 text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
  );
`;

export interface RequestTables {
  requests: { idempotency_key: string; caller: string; body_sha256: string };
}

/**
 * Records the first use of a key and compares every later one with it.
 *
 * @returns true at the first use
 * @throws ConflictError `idempotency-key-reused` when caller or body differ
 */
export async function claimIdempotencyKey(
  database: Kysely<RequestTables>,
  use: { readonly key: string; readonly caller: string; readonly body: unknown },
): Promise<boolean> {
  const bodySha256 = createHash('sha256').update(canonical(use.body)).digest('hex').toUpperCase();
  const row = { idempotency_key: use.key, caller: use.caller, body_sha256: bodySha256 };
  const inserted = await database
    .insertInto('requests')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('idempotency_key')
    .executeTakeFirst();
  if (inserted !== undefined) return true;
  const first = await database
    .selectFrom('requests')
    .selectAll()
    .where('idempotency_key', '=', use.key)
    .executeTakeFirst();
  if (first?.caller === row.caller && first.body_sha256 === row.body_sha256) return false;
  throw new ConflictError(
    'idempotency-key-reused',
    'This idempotency key was used for another request: take a new key for a new request',
    { key: use.key },
  );
}

/**
 * The id of what a request starts: 16 bytes in lower-case hex, from its caller and his key, so that two callers with
 * the same key start two things. It is a W3C trace id too.
 *
 * @param callerUri URI name of the caller's certificate
 */
export function requestIdOf(callerUri: string, key: string): string {
  return createHash('sha256').update(`${callerUri}\n${key}`).digest('hex').slice(0, 32);
}

/** JSON with sorted names, so that the order of fields does not matter. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(',')}}`;
}
