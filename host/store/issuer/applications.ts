// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { ConflictError, PolicyError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import {
  broughtBy,
  fileTaken,
  listLoadFiles,
  lockNames,
  type NamedLoadFile,
  nextNumber,
  recordSent,
} from './load-files.ts';
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

type Database = Kysely<IssuerTables>;
type Names = Omit<ApplicationRow, 'workflowId' | 'aid'> & { readonly aid?: string };

/** Of one provider on one card, domains among them. */
const MAX_APPLICATIONS = 64;

/**
 * Whoever came to INSTALL last: but a request that the card refuses has not made what stood there before. Of one that
 * is forgotten the row alone says that it brought nothing into service.
 */
const MAKER = sql<string>`CASE WHEN EXISTS (SELECT 1 FROM security_domain_requests AS made
    WHERE made.request_id = applications.workflow_id AND made.state = 'failed')
  OR (applications.state = 'creating'
    AND NOT EXISTS (SELECT 1 FROM security_domain_requests WHERE request_id = applications.workflow_id)
    AND NOT EXISTS (SELECT 1 FROM application_requests WHERE request_id = applications.workflow_id))
  THEN excluded.workflow_id ELSE applications.workflow_id END`;

/**
 * Records the intent before the card is touched. What stands there stays the one's who made it, unless that failed,
 * until `recordCreated`.
 *
 * @throws ConflictError `aid-taken` when another provider or product has this AID on the card, `load-file-taken` when
 *     something else on the card is made of another file of this one's name, `too-many-applications`
 */
export async function recordCreating(database: Database, application: ApplicationRow): Promise<void> {
  const { cardId, aid, providerId, productId, workflowId, loadFile, libraries = [] } = application;
  const card = cardIdText(cardId);
  const named = {
    ...(productId === undefined ? {} : { product_id: productId }),
    ...(loadFile === undefined ? {} : { load_file_aid: loadFile.aid, load_file_hash: loadFile.hash ?? null }),
  };
  /** What its provider brought for it once goes with it, also when it wants that no more. */
  const withEarlier = async (transaction: Database) => {
    const own = (await listApplications(transaction, cardId)).find((there) => there.aid === aid);
    const names = [loadFile, ...libraries].map((file) => file?.aid);
    const earlier = (own === undefined ? [] : filesOf(own)).filter((old) => !names.includes(old.aid));
    const brought = await broughtBy(transaction, { cardId, providerId }, nameOf(earlier));
    const all = [...libraries, ...earlier.filter((old) => brought.includes(old.aid))];
    return all.length === 0 ? null : JSON.stringify(all);
  };
  const row = await database.transaction().execute(async (transaction) => {
    await lockNames(transaction, cardId);
    await requireOwnNames(transaction, application);
    await requireRoom(transaction, application);
    const whose = {
      since: nextNumber,
      ...named,
      ...(loadFile === undefined ? {} : { libraries: await withEarlier(transaction) }),
    };
    return transaction
      .insertInto('applications')
      .values({ card, aid, provider_id: providerId, workflow_id: workflowId, state: 'creating', ...whose })
      .onConflict((conflict) =>
        conflict
          .columns(['card', 'aid'])
          .doUpdateSet({ ...whose, workflow_id: MAKER })
          .where('applications.provider_id', '=', providerId),
      )
      .returning('aid')
      .executeTakeFirst();
  });
  if (row === undefined) throw taken(aid, card);
}

/**
 * Records that LOAD of these files leaves now, whose INSTALL [for load] the card has taken.
 *
 * @param transaction one that looks at the names, in the card's turn
 * @throws ConflictError as `requireOwnNames`
 */
export async function recordSentOf(transaction: Database, application: ApplicationRow, aids: readonly string[]) {
  const { cardId, providerId, loadFile, libraries = [] } = application;
  const files = [...libraries, ...(loadFile === undefined ? [] : [loadFile])].filter(({ aid }) => aids.includes(aid));
  await requireOwnNames(transaction, application);
  await recordSent(transaction, { cardId, providerId, files });
}

/**
 * Before INSTALL leaves, when the card has shown in this turn that it has no such instance: one of this name in the
 * issuer's domain is this provider's from now on, and no receipt of what was done in its own says otherwise.
 *
 * @param transaction one that looks at the names, in the card's turn
 */
export async function recordInstalling(transaction: Database, { cardId, providerId, aid }: Owned): Promise<void> {
  await transaction
    .updateTable('applications')
    .set({ state: 'installing', since: nextNumber })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('provider_id', '=', providerId)
    .execute();
}

/**
 * A request that ended before it changed the card has made nothing of this name: it is free for others again, unless
 * its provider has a token for it, or another flow had its turn since.
 */
export async function withdrawApplication(database: Database, workflowId: string): Promise<void> {
  await database
    .deleteFrom('applications')
    .where('workflow_id', '=', workflowId)
    .where('state', '=', 'creating')
    .where(
      sql<boolean>`EXISTS (
        SELECT 1 FROM application_requests r WHERE r.request_id = applications.workflow_id AND NOT r.touched)
      AND EXISTS (
        SELECT 1 FROM content_turns c WHERE c.card = applications.card AND c.workflow_id = applications.workflow_id)
      AND NOT EXISTS (
        SELECT 1 FROM content_tokens t WHERE t.card = applications.card AND t.act->>'act' = 'install'
          AND t.act->>'instanceAid' = applications.aid)`,
    )
    .execute();
}

/**
 * Nobody else has this AID on the card, as an application or a load file, and nobody another file or an application
 * under the name of its load files; a file of another provider's of which nobody knows what it is, is another one. What
 * a release before this one put there says neither product nor file, and is its provider's. A domain takes no name of
 * an application, nor the other way round, whoever has it: what the card answers to that name gets keys.
 *
 * @param application without AID: load files alone; without product and load file: a security domain
 * @throws ConflictError `aid-taken`, `load-file-taken`
 * @throws PolicyError `aid-reserved` for an application under an AID that is registered for domains
 */
export async function requireOwnNames(database: Database, application: Names): Promise<void> {
  const { cardId, aid, providerId, productId, loadFile, libraries = [] } = application;
  const card = cardIdText(cardId);
  const files = loadFile === undefined ? [] : [loadFile, ...libraries];
  const isDomain = loadFile === undefined && productId === undefined;
  if (aid !== undefined && !isDomain) await requireNoDomainName(database, aid);
  const isOther = (owner: string, there: string | null | undefined, file: NamedLoadFile) =>
    owner === providerId ? differs(there, file.hash) : there == null || there !== file.hash;
  for (const row of await listApplications(database, cardId)) {
    if (row.aid === aid && (row.provider_id !== providerId || differs(row.product_id, productId)))
      throw taken(aid, card);
    if (row.aid === aid && isDomain && (row.product_id ?? row.load_file_aid) !== null) throw taken(aid, card);
    if (row.aid === aid) continue;
    const there = new Map(filesOf(row).map((file) => [file.aid, file.hash]));
    // DELETE takes whatever has the name: no load file has the one of an application, nor the other way round.
    const object = aid !== undefined && there.has(aid) ? aid : files.find((file) => file.aid === row.aid)?.aid;
    if (object !== undefined) throw taken(object, card);
    const other = files.find((file) => there.has(file.aid) && isOther(row.provider_id, there.get(file.aid), file));
    if (other !== undefined) throw fileTaken(cardId, other.aid);
  }
  for (const row of await listLoadFiles(database, cardId, [...(aid === undefined ? [] : [aid]), ...nameOf(files)])) {
    if (row.aid === aid) throw taken(aid, card);
    // What this provider had there itself may be gone: the card tells.
    const other = files.find((file) => file.aid === row.aid && row.provider_id !== providerId);
    if (other !== undefined && isOther(row.provider_id, row.hash, other)) throw fileTaken(cardId, other.aid);
  }
}

async function requireNoDomainName(database: Database, aid: string): Promise<void> {
  const domain = await database.selectFrom('provider_aids').select('aid').where('aid', '=', aid).executeTakeFirst();
  if (domain === undefined) return;
  throw new PolicyError('aid-reserved', `${aid} is registered for security domains: an application has another AID`, {
    aid,
  });
}

const nameOf = (files: readonly NamedLoadFile[]) => files.map(({ aid }) => aid);
const differs = (one: string | null | undefined, other: string | undefined) =>
  one != null && other !== undefined && one !== other;

/** Rows are made before the card is touched: whoever has a card in hand makes no more of them than it can hold. */
async function requireRoom(database: Database, { cardId, aid, providerId }: ApplicationRow): Promise<void> {
  const { count } = await database
    .selectFrom('applications')
    .select((query) => query.fn.countAll<string>().as('count'))
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    .where('aid', '<>', aid)
    .executeTakeFirstOrThrow();
  if (Number(count) >= MAX_APPLICATIONS)
    throw new ConflictError(
      'too-many-applications',
      `A provider has ${MAX_APPLICATIONS} applications on a card at most: remove what is not used`,
    );
}

/** What an application is made of and came with. */
export function filesOf(row: Awaited<ReturnType<typeof listApplications>>[number]): NamedLoadFile[] {
  const { load_file_aid: aid, load_file_hash: hash, libraries } = row;
  return [...(aid === null ? [] : [{ aid, hash: hash ?? undefined }]), ...(libraries ?? [])];
}

const taken = (aid: string, card: string) =>
  new ConflictError('aid-taken', `Another provider or product has ${aid} on this card`, { card, aid });

/** An application, or a domain, of this provider on a card. */
type Owned = Pick<ApplicationRow, 'cardId' | 'providerId' | 'aid'>;
/** The same, with the request that has made it; absent: it was there, and stays its maker's. */
type Created = Owned & { readonly workflowId?: string };

/** The card has confirmed it; a new card is in use from here on. */
export async function recordCreated(database: Database, created: Created): Promise<void> {
  const { cardId, providerId, aid, workflowId } = created;
  await database
    .updateTable('applications')
    .set({ state: 'created', ...(workflowId === undefined ? {} : { workflow_id: workflowId }) })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('provider_id', '=', providerId)
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
export async function releaseApplication(database: Database, { cardId, providerId, aid }: Owned): Promise<void> {
  await database
    .updateTable('applications')
    .set({ product_id: null, load_file_aid: null, load_file_hash: null, libraries: null })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('provider_id', '=', providerId)
    .execute();
}

/**
 * The card has it no more.
 *
 * @param options.by number of the token for its deletion: a name that was recorded again since then stays
 */
export async function recordDeleted(
  database: Database,
  { cardId, providerId, aid }: Owned,
  { by }: { readonly by?: number } = {},
): Promise<void> {
  await database
    .deleteFrom('applications')
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('provider_id', '=', providerId)
    // What the issuer put into its own domain no token deletes.
    .$if(by !== undefined, (query) => query.where('since', '<=', String(by)).where('state', '<>', 'installing'))
    .execute();
}

export async function listApplications(database: Database, cardId: CardId) {
  // As many as its providers may have: what compares names sees each of them.
  return database
    .selectFrom('applications')
    .selectAll()
    .where('card', '=', cardIdText(cardId))
    .orderBy('aid')
    .execute();
}

/** Is another application of this product recorded on the card? */
export async function hasProduct(database: Database, cardId: CardId, productId: string): Promise<boolean> {
  const row = await database
    .selectFrom('applications')
    .select('aid')
    .where('card', '=', cardIdText(cardId))
    .where('product_id', '=', productId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The card says what an application of a release before this one is made of. */
export async function recordMadeOf(
  database: Database,
  { cardId, aid, loadFileAid }: { readonly cardId: CardId; readonly aid: string; readonly loadFileAid: string },
): Promise<void> {
  await database
    .updateTable('applications')
    .set({ load_file_aid: loadFileAid })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('load_file_aid', 'is', null)
    .execute();
}
