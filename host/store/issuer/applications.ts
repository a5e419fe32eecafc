// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** Application management: which application the issuer put on which card, for whom. */

export interface ApplicationRow {
  readonly cardId: CardId;
  readonly aid: string;
  readonly providerId: string;
  readonly workflowId: string;
  /** Absent: a security domain, or a product that its provider does not name. */
  readonly productId?: string | undefined;
  /** What it is made of, and the SHA-256 of that file's data block where the issuer knows it. */
  readonly loadFile?: NamedLoadFile;
  /** Load files that come with it. */
  readonly libraries?: readonly NamedLoadFile[];
}

interface NamedLoadFile {
  readonly aid: string;
  readonly hash?: string | undefined;
}

type Database = Kysely<IssuerTables>;

/**
 * Records the intent before the card is touched.
 *
 * @throws ConflictError `aid-taken` when another provider or product has this AID on the card, `load-file-taken` when
 *     something else on the card is made of another file of this one's name
 */
export async function recordCreating(database: Database, application: ApplicationRow): Promise<void> {
  const { cardId, aid, providerId, productId, workflowId, loadFile, libraries = [] } = application;
  const card = cardIdText(cardId);
  const whose = {
    workflow_id: workflowId,
    ...(productId === undefined ? {} : { product_id: productId }),
    ...(loadFile === undefined ? {} : { load_file_aid: loadFile.aid, load_file_hash: loadFile.hash ?? null }),
    ...(loadFile === undefined ? {} : { libraries: libraries.length === 0 ? null : JSON.stringify(libraries) }),
  };
  const row = await database.transaction().execute(async (transaction) => {
    // Two that come at once are looked at one after the other.
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`applications of ${card}`}, 0))`.execute(transaction);
    await requireOwnNames(transaction, application);
    return transaction
      .insertInto('applications')
      .values({ card, aid, provider_id: providerId, state: 'creating', ...whose })
      .onConflict((conflict) =>
        conflict.columns(['card', 'aid']).doUpdateSet(whose).where('applications.provider_id', '=', providerId),
      )
      .returning('aid')
      .executeTakeFirst();
  });
  if (row === undefined) throw taken(aid, card);
}

/**
 * Nobody else has this AID on the card, as an application or a load file, and nobody another file or an application
 * under the name of its load files. What a release before this one put there says neither product nor file, and is its
 * provider's.
 *
 * @throws ConflictError `aid-taken`, `load-file-taken`
 */
export async function requireOwnNames(
  database: Database,
  { cardId, aid, providerId, productId, loadFile, libraries = [] }: Omit<ApplicationRow, 'workflowId'>,
): Promise<void> {
  const card = cardIdText(cardId);
  const differs = (one: string | null, other: string | undefined) =>
    one !== null && other !== undefined && one !== other;
  for (const row of await listApplications(database, cardId)) {
    if (row.aid === aid && (row.provider_id !== providerId || differs(row.product_id, productId)))
      throw taken(aid, card);
    if (row.aid === aid) continue;
    const there = new Map(filesOf(row).map((file) => [file.aid, file.hash ?? null]));
    const files = loadFile === undefined ? [] : [loadFile, ...libraries];
    // DELETE takes whatever has the name: no load file has the one of an application, nor the other way round.
    const object = there.has(aid) ? aid : files.find((file) => file.aid === row.aid)?.aid;
    if (object !== undefined) throw taken(object, card);
    const other = files.find((file) => differs(there.get(file.aid) ?? null, file.hash));
    if (other !== undefined)
      throw new ConflictError('load-file-taken', `Another file has the name ${other.aid} on this card`, {
        card,
        aid: other.aid,
      });
  }
}

/** What an application is made of and came with. */
export function filesOf(row: Awaited<ReturnType<typeof listApplications>>[number]): NamedLoadFile[] {
  const { load_file_aid: aid, load_file_hash: hash, libraries } = row;
  return [...(aid === null ? [] : [{ aid, hash: hash ?? undefined }]), ...(libraries ?? [])];
}

const taken = (aid: string, card: string) =>
  new ConflictError('aid-taken', `Another provider or product has ${aid} on this card`, { card, aid });

/** The card has confirmed it; a new card is in use from here on. */
export async function recordCreated(database: Database, cardId: CardId, aid: string): Promise<void> {
  await database
    .updateTable('applications')
    .set({ state: 'created' })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .execute();
  await database
    .updateTable('cards')
    .set({ state: 'ACTIVE', changed_at: sql<Date>`now()` })
    .where('card', '=', cardIdText(cardId))
    .where('state', '=', 'NEW')
    .execute();
}

/**
 * Its provider says that the card has it no more, and nothing proves it: the AID stays the provider's, and what it does
 * with it is open again.
 */
export async function releaseApplication(database: Database, cardId: CardId, aid: string): Promise<void> {
  await database
    .updateTable('applications')
    .set({ product_id: null, load_file_aid: null, load_file_hash: null, libraries: null })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .execute();
}

/** The card has it no more. */
export async function recordDeleted(database: Database, cardId: CardId, aid: string): Promise<void> {
  await database.deleteFrom('applications').where('card', '=', cardIdText(cardId)).where('aid', '=', aid).execute();
}

export async function listApplications(database: Database, cardId: CardId) {
  return database.selectFrom('applications').selectAll().where('card', '=', cardIdText(cardId)).limit(256).execute();
}
