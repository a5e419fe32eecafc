// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { SERVICE } from './actions.ts';
import type { FrontTables } from './schema.ts';

/** Processes of service instances that users began, under the id that they have at the platform behind. */

type Database = Kysely<FrontTables>;

export interface ServiceAction {
  readonly id: string;
  readonly subject: string;
  readonly card: string;
  readonly state: 'running' | 'done' | 'failed';
  /** Why the platform behind began nothing. */
  readonly refusal?: Refusal;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A row that is there already stays. */
export async function addServiceAction(
  database: Database,
  { id, subject, card, pool }: Pick<ServiceAction, 'id' | 'subject' | 'card'> & { readonly pool: string },
): Promise<void> {
  await database
    .insertInto('actions')
    .values({ id, subject, card, operation: SERVICE, pool, request: '{}', state: 'running', result: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function findServiceAction(database: Database, id: string): Promise<ServiceAction | undefined> {
  const row = await database
    .selectFrom('actions')
    .select(['id', 'subject', 'card', 'state', 'result'])
    .where('id', '=', id)
    .where(sql<boolean>`operation = ${SERVICE}`)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { result, ...action } = row;
  return { ...action, ...(result as { readonly refusal?: Refusal } | null) };
}

/** The first end counts. @param refusal where nothing was begun */
export async function finishServiceAction(
  database: Database,
  id: string,
  state: 'done' | 'failed',
  refusal?: Refusal,
): Promise<void> {
  await database
    .updateTable('actions')
    .set({ state, result: JSON.stringify(refusal === undefined ? {} : { refusal }) })
    .where('id', '=', id)
    .where(sql<boolean>`operation = ${SERVICE}`)
    .where('state', '=', 'running')
    .execute();
}
