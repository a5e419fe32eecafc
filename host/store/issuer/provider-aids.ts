// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import { AID, aidToHex } from '../../wire/gp/aid.ts';
import type { IssuerTables } from './schema.ts';

/**
 * Which AIDs are whose. SELECT takes a partial name (ISO 7816-4 7.1.1), so two AIDs of which one begins with the other
 * may not have different holders.
 */

type Database = Kysely<IssuerTables>;

/** Two requests that name the same AID must not both find it free. */
const AIDS_LOCK = 0x6f74_7361;
const ISSUERS = [AID.ISSUER_SECURITY_DOMAIN, AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN].map(aidToHex);

/** Held to the end of the transaction by whoever changes the AIDs of providers or cards. */
export async function lockAids(transaction: Database): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${AIDS_LOCK})`.execute(transaction);
}

/**
 * Replaces the AIDs of a provider; inside a transaction that holds `lockAids`.
 *
 * @throws ConflictError `aid-taken` for another provider's, an ISD's or a CASD's
 */
export async function putProviderAids(transaction: Database, providerId: string, aids: readonly string[]) {
  for (const aid of aids) await requireFree(transaction, providerId, aid);
  await transaction.deleteFrom('provider_aids').where('provider_id', '=', providerId).execute();
  const rows = [...new Set(aids)].map((aid) => ({ aid, provider_id: providerId }));
  if (rows.length > 0) await transaction.insertInto('provider_aids').values(rows).execute();
}

async function requireFree(transaction: Database, providerId: string, aid: string): Promise<void> {
  const others = await transaction
    .selectFrom('provider_aids')
    .select('provider_id')
    .where('provider_id', '<>', providerId)
    .where(overlaps(sql.ref('aid'), aid))
    .limit(1)
    .execute();
  const cards = await transaction
    .selectFrom('cards')
    .select('card')
    .where((where) => where.or([overlaps(sql.ref('isd_aid'), aid), overlaps(sql.ref('casd_aid'), aid)]))
    .limit(1)
    .execute();
  const own = ISSUERS.some((known) => known.startsWith(aid) || aid.startsWith(known));
  if (others.length > 0 || cards.length > 0 || own) throw taken(aid);
}

/**
 * For the ISD and the CASD of a card; inside a transaction that holds `lockAids`.
 *
 * @throws ConflictError `aid-taken` when a provider has it
 */
export async function requireNoProviderHas(transaction: Database, aid: string): Promise<void> {
  const row = await transaction
    .selectFrom('provider_aids')
    .select('aid')
    .where(overlaps(sql.ref('aid'), aid))
    .limit(1)
    .executeTakeFirst();
  if (row !== undefined) throw taken(aid);
}

/** One of the two begins with the other. */
const overlaps = (column: ReturnType<typeof sql.ref>, aid: string) =>
  sql<boolean>`(starts_with(${column}, ${aid}) OR starts_with(${aid}, ${column}))`;

const taken = (aid: string): ConflictError =>
  new ConflictError('aid-taken', `${aid} is somebody else's, or one selects the other: choose another AID`, { aid });
