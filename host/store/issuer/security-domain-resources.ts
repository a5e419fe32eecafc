// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { CreateSecurityDomain, DeletionProof } from '../../wire/message/security-domain-resource.ts';

/** Which requests came as resources, and what their owners have done with them. */

export const SECURITY_DOMAIN_RESOURCES_SQL = `
  CREATE TABLE security_domain_resources (
    request_id text PRIMARY KEY, provider_id text NOT NULL, handed_over_at timestamptz, rotated_at timestamptz
  );
`;

/** Those from before have none: their owners are asked to have them made again under another key. */
export const SECURITY_DOMAIN_WAYS_SQL = `
  ALTER TABLE security_domain_resources ADD COLUMN card text, ADD COLUMN ssd_aid text, ADD COLUMN transport jsonb,
    ADD COLUMN session_id text, ADD COLUMN fence bigint, ADD COLUMN deletion_id text, ADD COLUMN deletion_proof jsonb;
`;

export interface SecurityDomainResourceTables {
  security_domain_resources: {
    request_id: string;
    provider_id: string;
    handed_over_at: Date | null;
    rotated_at: Date | null;
    card: string | null;
    ssd_aid: string | null;
    transport: string | null;
    /** Of the last exchange: the card session at the OTA server. */
    session_id: string | null;
    fence: string | null;
    /** The flow that deletes it. */
    deletion_id: string | null;
    /** Not null: it is gone. */
    deletion_proof: string | null;
  };
}

type Transport = CreateSecurityDomain['transport'];

/** Where a domain is, and how the issuer gets there. */
export interface DomainWay {
  readonly card: string;
  readonly ssdAid: string;
  readonly transport: Transport;
}

type Database = Kysely<SecurityDomainResourceTables>;

export async function addResource(
  database: Database,
  id: string,
  providerId: string,
  { card, ssdAid, transport }: DomainWay,
): Promise<void> {
  const way = { card, ssd_aid: ssdAid, transport: JSON.stringify(transport) };
  const nothing = { handed_over_at: null, rotated_at: null, session_id: null, fence: null };
  await database
    .insertInto('security_domain_resources')
    .values({
      request_id: id,
      provider_id: providerId,
      deletion_id: null,
      deletion_proof: null,
      ...way,
      ...nothing,
    })
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
  if (row === undefined) return undefined;
  // The driver has parsed the two JSON columns.
  const transport = row.transport as unknown as Transport | null;
  const proof = row.deletion_proof as unknown as DeletionProof | null;
  const { card, ssd_aid: ssdAid, session_id: sessionId, fence, deletion_id: deletionId } = row;
  return {
    handedOver: row.handed_over_at !== null,
    rotated: row.rotated_at !== null,
    ...(card === null || ssdAid === null || transport === null ? {} : { way: { card, ssdAid, transport } }),
    ...(sessionId === null ? {} : { session: { sessionId, fence: Number(fence) } }),
    ...(deletionId === null ? {} : { deletionId }),
    ...(proof === null ? {} : { proof }),
  };
}

export type ResourceRow = NonNullable<Awaited<ReturnType<typeof findResource>>>;

/** The session in which the next exchange goes on. */
export async function keepSession(
  database: Database,
  id: string,
  session: { readonly sessionId: string; readonly fence: number } | undefined,
): Promise<void> {
  await database
    .updateTable('security_domain_resources')
    .set({ session_id: session?.sessionId ?? null, fence: session === undefined ? null : String(session.fence) })
    .where('request_id', '=', id)
    .execute();
}

/**
 * Whether a request that failed may have left its domain on the card: INSTALL has made or found it, or its answer may
 * have been lost where none was known there, and no other request of its owner has made that domain.
 */
export async function mayHaveLeft(database: Database, id: string, providerId: string, way: DomainWay) {
  const { rows } = await sql`
    SELECT 1 FROM applications AS own WHERE own.card = ${way.card} AND own.aid = ${way.ssdAid}
      AND own.provider_id = ${providerId} AND own.workflow_id = ${id}
      AND NOT EXISTS (SELECT 1 FROM security_domain_resources AS other JOIN security_domain_requests USING (request_id)
        WHERE other.provider_id = ${providerId} AND other.card = ${way.card} AND other.ssd_aid = ${way.ssdAid}
          AND other.deletion_proof IS NULL AND state = 'done' AND problem IS NULL)`.execute(database);
  return rows.length > 0;
}

/** This flow deletes it, from now on. */
export async function beginDeletion(database: Database, id: string, flow: string): Promise<void> {
  await database
    .updateTable('security_domain_resources')
    .set({ deletion_id: flow })
    .where('request_id', '=', id)
    .execute();
}

/** The domain is gone, whichever of its owner's requests it was made or found by, and with it keys never fetched. */
export async function markDeleted(
  database: Database,
  gone: { readonly providerId: string; readonly card: string; readonly ssdAid: string; readonly proof: DeletionProof },
): Promise<void> {
  await database
    .updateTable('security_domain_resources')
    .set({ deletion_proof: JSON.stringify(gone.proof) })
    .where('provider_id', '=', gone.providerId)
    .where('card', '=', gone.card)
    .where('ssd_aid', '=', gone.ssdAid)
    .where('deletion_proof', 'is', null)
    .execute();
  await sql`
    UPDATE security_domain_requests SET key_blob = NULL WHERE key_blob IS NOT NULL AND request_id IN (
      SELECT request_id FROM security_domain_resources
      WHERE provider_id = ${gone.providerId} AND card = ${gone.card} AND ssd_aid = ${gone.ssdAid})`.execute(database);
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
