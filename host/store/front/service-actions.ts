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
}

/** A row that is there already stays. */
export async function addServiceAction(
  database: Database,
  { id, subject, card, pool }: Omit<ServiceAction, 'state'> & { readonly pool: string },
): Promise<void> {
  await database
    .insertInto('actions')
    .values({ id, subject, card, operation: SERVICE, pool, request: '{}', state: 'running', result: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function findServiceAction(database: Database, id: string): Promise<ServiceAction | undefined> {
  return database
    .selectFrom('actions')
    .select(['id', 'subject', 'card', 'state'])
    .where('id', '=', id)
    .where(sql<boolean>`operation = ${SERVICE}`)
    .executeTakeFirst();
}

/** The first end counts. */
export async function finishServiceAction(database: Database, id: string, state: 'done' | 'failed'): Promise<void> {
  await database
    .updateTable('actions')
    .set({ state, result: '{}' })
    .where('id', '=', id)
    .where(sql<boolean>`operation = ${SERVICE}`)
    .where('state', '=', 'running')
    .execute();
}
