import type { Kysely } from 'kysely';
import type { IssuerTables } from './schema.ts';

/** Application provider management: who the providers are and what each may do. */

export const PERMISSIONS = ['create-security-domain'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export interface Provider {
  readonly providerId: string;
  /** Where the provider carries the issuer's APDUs: never taken from a request. */
  readonly baseUrl: string;
  readonly permissions: readonly Permission[];
}

type Database = Kysely<IssuerTables>;

export async function putProvider(database: Database, provider: Provider): Promise<void> {
  const values = {
    provider_id: provider.providerId,
    base_url: provider.baseUrl,
    permissions: [...provider.permissions],
  };
  await database
    .insertInto('providers')
    .values(values)
    .onConflict((conflict) => conflict.column('provider_id').doUpdateSet(values))
    .execute();
}

export async function findProvider(database: Database, providerId: string): Promise<Provider | undefined> {
  const row = await database
    .selectFrom('providers')
    .selectAll()
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    providerId: row.provider_id,
    baseUrl: row.base_url,
    permissions: PERMISSIONS.filter((permission) => row.permissions.includes(permission)),
  };
}
