// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { PERMISSIONS, type Permission } from '../../wire/message/operator.ts';
import { lockAids, putProviderAids } from './provider-aids.ts';
import type { IssuerTables } from './schema.ts';

/** Application provider management: who the providers are and what each may do. */

export interface Provider {
  readonly providerId: string;
  /** Where the provider carries the issuer's APDUs: never taken from a request. */
  readonly baseUrl: string;
  readonly permissions: readonly Permission[];
  /** What its security domains may be called. */
  readonly aids: readonly string[];
}

type Database = Kysely<IssuerTables>;

/** @throws ConflictError `aid-taken`, and nothing is changed */
export async function putProvider(database: Database, provider: Provider): Promise<void> {
  const values = {
    provider_id: provider.providerId,
    base_url: provider.baseUrl,
    permissions: [...provider.permissions],
  };
  await database.transaction().execute(async (transaction) => {
    await lockAids(transaction);
    await transaction
      .insertInto('providers')
      .values(values)
      .onConflict((conflict) => conflict.column('provider_id').doUpdateSet(values))
      .execute();
    await putProviderAids(transaction, provider.providerId, provider.aids);
  });
}

export async function findProvider(database: Database, providerId: string): Promise<Provider | undefined> {
  const row = await database
    .selectFrom('providers')
    .selectAll()
    .select(({ selectFrom }) =>
      selectFrom('provider_aids')
        .select(sql<string[]>`coalesce(array_agg(aid ORDER BY aid), '{}')`.as('aids'))
        .whereRef('provider_aids.provider_id', '=', 'providers.provider_id')
        .as('aids'),
    )
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    providerId: row.provider_id,
    baseUrl: row.base_url,
    permissions: PERMISSIONS.filter((permission) => row.permissions.includes(permission)),
    aids: row.aids ?? [],
  };
}

/** In the order of their names, the first 1,000. */
export async function listProviders(database: Database): Promise<Provider[]> {
  const rows = await database.selectFrom('providers').selectAll().orderBy('provider_id').limit(1_000).execute();
  const aids = await database.selectFrom('provider_aids').selectAll().orderBy('aid').execute();
  return rows.map((row) => ({
    providerId: row.provider_id,
    baseUrl: row.base_url,
    permissions: PERMISSIONS.filter((permission) => row.permissions.includes(permission)),
    aids: aids.filter(({ provider_id: id }) => id === row.provider_id).map(({ aid }) => aid),
  }));
}
