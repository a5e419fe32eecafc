// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';

/** Which requests came as resources, and what their owners have done with them. */

export const SECURITY_DOMAIN_RESOURCES_SQL = `
  CREATE TABLE security_domain_resources (
    request_id text PRIMARY KEY, provider_id text NOT NULL, handed_over_at timestamptz, rotated_at timestamptz
  );
`;

export interface SecurityDomainResourceTables {
  security_domain_resources: {
    request_id: string;
    provider_id: string;
    handed_over_at: Date | null;
    rotated_at: Date | null;
  };
}

type Database = Kysely<SecurityDomainResourceTables>;

export async function addResource(database: Database, id: string, providerId: string): Promise<void> {
  await database
    .insertInto('security_domain_resources')
    .values({ request_id: id, provider_id: providerId, handed_over_at: null, rotated_at: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** @returns undefined for another provider's too */
export async function findResource(database: Database, id: string, providerId: string) {
  const row = await database
    .selectFrom('security_domain_resources')
    .selectAll()
    .where('request_id', '=', id)
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
  return row === undefined ? undefined : { handedOver: row.handed_over_at !== null, rotated: row.rotated_at !== null };
}

/** @returns false when it was handed over before */
export async function handOver(database: Database, id: string): Promise<boolean> {
  const row = await database
    .updateTable('security_domain_resources')
    .set({ handed_over_at: sql<Date>`now()` })
    .where('request_id', '=', id)
    .where('handed_over_at', 'is', null)
    .returning('request_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns false when nothing was handed over */
export async function confirmRotation(database: Database, id: string): Promise<boolean> {
  const row = await database
    .updateTable('security_domain_resources')
    .set({ rotated_at: sql<Date>`coalesce(rotated_at, now())` })
    .where('request_id', '=', id)
    .where('handed_over_at', 'is not', null)
    .returning('request_id')
    .executeTakeFirst();
  return row !== undefined;
}
