// SPDX-License-Identifier: Apache-2.0
import { type ColumnType, type Kysely, sql, type Transaction } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { JsonObject } from '../../wire/tsms/attributes.ts';
import { documentOf, type Entity, KINDS, type Kind, type Profile } from '../../wire/tsms/entities.ts';

/** Service providers, their tokens and all that they have (BSI TR-03165 1.0.4, 4.1.4). Tokens are kept as digests. */

export const TSMS_SQL = `
  CREATE TABLE tsms_providers (
    sp_id uuid PRIMARY KEY, name text NOT NULL UNIQUE, token_hash text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE tsms_tokens (
    token_hash text PRIMARY KEY, sp_id uuid NOT NULL REFERENCES tsms_providers, expires_at timestamptz NOT NULL
  );
  CREATE INDEX tsms_tokens_of_provider ON tsms_tokens (sp_id);
  CREATE TABLE tsms_profiles (
    scp_id uuid PRIMARY KEY, document jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE tsms_entities (
    id uuid PRIMARY KEY, sp_id uuid NOT NULL REFERENCES tsms_providers, kind text NOT NULL,
    parent_id uuid REFERENCES tsms_entities ON DELETE CASCADE, document jsonb NOT NULL, created_at timestamptz NOT NULL
  );
  CREATE INDEX tsms_entities_of_provider ON tsms_entities (sp_id, created_at, id);
  CREATE INDEX tsms_entities_of_parent ON tsms_entities (parent_id);
  CREATE UNIQUE INDEX tsms_one_tag ON tsms_entities (parent_id, (document ->> 'tag')) WHERE kind = 'Version';
  CREATE TABLE tsms_contents (
    id uuid PRIMARY KEY REFERENCES tsms_entities ON DELETE CASCADE, content bytea NOT NULL
  );
`;

interface ProviderTable {
  sp_id: string;
  name: string;
  token_hash: string | null;
  created_at: ColumnType<Date, never, never>;
}

interface EntityTable {
  id: string;
  sp_id: string;
  kind: Kind;
  parent_id: string | null;
  document: ColumnType<JsonObject, string, string>;
  created_at: Date;
}

export interface TsmsTables {
  tsms_providers: ProviderTable;
  tsms_tokens: { token_hash: string; sp_id: string; expires_at: ColumnType<Date, never, never> };
  tsms_profiles: {
    scp_id: string;
    document: ColumnType<Profile['document'], string, string>;
    created_at: ColumnType<Date, never, never>;
  };
  tsms_entities: EntityTable;
  tsms_contents: { id: string; content: Uint8Array };
}

type Database = Kysely<TsmsTables>;

export interface ProviderAccount {
  readonly spId: string;
  readonly name: string;
  readonly createdAt: Date;
  /** False after its token was taken away. */
  readonly open: boolean;
}

/** @throws ConflictError `service-provider-exists` */
export async function insertProvider(
  database: Database,
  { spId, name, tokenHash }: { readonly spId: string; readonly name: string; readonly tokenHash: string },
): Promise<void> {
  const made = await database
    .insertInto('tsms_providers')
    .values({ sp_id: spId, name, token_hash: tokenHash })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('sp_id')
    .executeTakeFirst();
  if (made === undefined)
    throw new ConflictError('service-provider-exists', 'There is a service provider of this name', { name });
}

export async function listProviders(database: Database, limit = 1_000): Promise<ProviderAccount[]> {
  const rows = await database.selectFrom('tsms_providers').selectAll().orderBy('created_at').limit(limit).execute();
  return rows.map((row) => ({
    spId: row.sp_id,
    name: row.name,
    createdAt: row.created_at,
    open: row.token_hash !== null,
  }));
}

/** Another long-term token, or none; the short-term ones end. @returns false for an unknown provider */
export async function replaceToken(database: Database, spId: string, tokenHash: string | null): Promise<boolean> {
  return database.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('tsms_tokens').where('sp_id', '=', spId).execute();
    const row = await transaction
      .updateTable('tsms_providers')
      .set({ token_hash: tokenHash })
      .where('sp_id', '=', spId)
      .returning('sp_id')
      .executeTakeFirst();
    return row !== undefined;
  });
}

/**
 * Adds a short-term token of whoever has the long-term one, and forgets those that ended.
 *
 * @returns false when nobody has it
 */
export async function issueToken(
  database: Database,
  longTermHash: string,
  token: { readonly hash: string; readonly seconds: number },
): Promise<boolean> {
  return database.transaction().execute(async (transaction) => {
    const owner = await transaction
      .selectFrom('tsms_providers')
      .select('sp_id')
      .where('token_hash', '=', longTermHash)
      .forShare()
      .executeTakeFirst();
    if (owner === undefined) return false;
    await sql`DELETE FROM tsms_tokens WHERE sp_id = ${owner.sp_id} AND expires_at < now()`.execute(transaction);
    await sql`INSERT INTO tsms_tokens (token_hash, sp_id, expires_at)
      VALUES (${token.hash}, ${owner.sp_id}, now() + make_interval(secs => ${token.seconds}))`.execute(transaction);
    return true;
  });
}

/** Whose short-term token this is, while it is good. */
export async function providerOfToken(
  database: Database,
  tokenHash: string,
): Promise<{ readonly spId: string; readonly name: string } | undefined> {
  const row = await database
    .selectFrom('tsms_tokens')
    .innerJoin('tsms_providers', 'tsms_providers.sp_id', 'tsms_tokens.sp_id')
    .select(['tsms_providers.sp_id', 'name'])
    .where('tsms_tokens.token_hash', '=', tokenHash)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  return row === undefined ? undefined : { spId: row.sp_id, name: row.name };
}

/** One request at a time changes what a provider has. */
export async function lockProvider(transaction: Transaction<TsmsTables>, spId: string): Promise<void> {
  await transaction.selectFrom('tsms_providers').select('sp_id').where('sp_id', '=', spId).forUpdate().execute();
}

/**
 * What a provider has is changed by nobody until the end of the transaction. Called before its entities are read, it
 * waits for who changes them.
 */
export async function keepProvider(transaction: Transaction<TsmsTables>, spId: string): Promise<void> {
  await transaction.selectFrom('tsms_providers').select('sp_id').where('sp_id', '=', spId).forShare().execute();
}

/** All that a provider has, oldest first. */
export async function readEntities(database: Database, spId: string): Promise<Entity[]> {
  const rows = await database
    .selectFrom('tsms_entities')
    .selectAll()
    .where('sp_id', '=', spId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.filter(({ kind }) => KINDS.includes(kind)).map(toEntity);
}

const toEntity = <K extends Kind>(row: {
  readonly kind: K;
  readonly id: string;
  readonly parent_id: string | null;
  readonly document: JsonObject;
  readonly created_at: Date;
}): Entity<K> => ({
  kind: row.kind,
  id: row.id,
  parentId: row.parent_id ?? undefined,
  createdAt: row.created_at,
  document: documentOf(row.kind, row.document),
});

/** Writes what a request changed. */
export async function writeEntities(
  transaction: Transaction<TsmsTables>,
  spId: string,
  changes: {
    readonly changed: Iterable<Entity>;
    readonly removed: Iterable<string>;
    readonly contents: Iterable<readonly [string, Uint8Array]>;
  },
): Promise<void> {
  const removed = [...changes.removed];
  if (removed.length > 0) {
    // Instances on cards outlive their service, and its provider goes on hearing of them.
    await sql`
      UPDATE service_deployments SET spos_config_id = service.document ->> 'sposConfigId' FROM tsms_entities AS service
      WHERE service.id = ANY(${removed}::uuid[]) AND service.kind = 'Service'
        AND service_deployments.service_id = service.id`.execute(transaction);
    await transaction.deleteFrom('tsms_entities').where('sp_id', '=', spId).where('id', 'in', removed).execute();
  }
  for (const { id, kind, parentId, document, createdAt } of changes.changed) {
    const text = JSON.stringify(document);
    await transaction
      .insertInto('tsms_entities')
      .values({ id, sp_id: spId, kind, parent_id: parentId ?? null, document: text, created_at: createdAt })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ document: text }))
      .execute();
  }
  for (const [id, content] of changes.contents) {
    await transaction
      .insertInto('tsms_contents')
      .values({ id, content })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ content }))
      .execute();
  }
}

/** Tags of Versions that processes of a service work with now. */
export async function tagsAtWork(database: Database, serviceId: string): Promise<string[]> {
  const { rows } = await sql<{ tag: string }>`
    SELECT coalesce(request ->> 'version', version_tag) AS tag FROM service_processes
    WHERE service_id = ${serviceId}::uuid AND state = 'running'
    UNION SELECT version_tag FROM service_processes WHERE service_id = ${serviceId}::uuid AND state = 'running'
  `.execute(database);
  return rows.map(({ tag }) => tag);
}

export async function readContent(database: Database, id: string): Promise<Uint8Array | undefined> {
  const row = await database.selectFrom('tsms_contents').select('content').where('id', '=', id).executeTakeFirst();
  return row?.content;
}

export async function readProfiles(database: Database): Promise<Profile[]> {
  const rows = await database.selectFrom('tsms_profiles').selectAll().orderBy('created_at').orderBy('scp_id').execute();
  return rows.map(({ scp_id: id, document }) => ({ id, document }));
}

/** Enters a chip that is supported, or describes it anew. */
export async function putProfile(database: Database, { id, document }: Profile): Promise<void> {
  const text = JSON.stringify(document);
  await database
    .insertInto('tsms_profiles')
    .values({ scp_id: id, document: text })
    .onConflict((conflict) => conflict.column('scp_id').doUpdateSet({ document: text }))
    .execute();
}

/** Whose service this is. */
export async function ownerOfService(database: Database, serviceId: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('tsms_entities')
    .select('sp_id')
    .where('id', '=', serviceId)
    .where('kind', '=', 'Service')
    .executeTakeFirst();
  return row?.sp_id;
}
