// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/**
 * Load files that came onto cards through the issuer or by its tokens: whose they are, and which code. A row is there
 * before the file can be, and goes only when the card has shown or proved that the file is gone.
 */

type Database = Kysely<IssuerTables>;

/** Of one provider on one card. */
const MAX_FILES = 128;

export interface NamedLoadFile {
  readonly aid: string;
  /** SHA-256 of the load file data block; absent: not known. */
  readonly hash?: string | undefined;
}

/** Load files of one provider on one card. */
interface ProvidersFiles {
  readonly cardId: CardId;
  readonly providerId: string;
  readonly files: readonly NamedLoadFile[];
}

/** Rows and tokens of a card stand in one order. */
export const nextNumber = sql<string>`nextval('content_tokens_number_seq')`;

/** A token that is asked for once more is as old as it was. */
const notBefore = (by: number | undefined) =>
  by === undefined ? nextNumber : sql<string>`greatest(load_files.since, ${by}::bigint)`;

type LoadFileRow = Awaited<ReturnType<typeof listLoadFiles>>[number];

/** Rows of these names. */
export async function listLoadFiles(database: Database, cardId: CardId, aids: readonly string[]) {
  if (aids.length === 0) return [];
  return database
    .selectFrom('load_files')
    .selectAll()
    .where('card', '=', cardIdText(cardId))
    .where('aid', 'in', [...new Set(aids)])
    .execute();
}

/** Which domain has a load file, as the card says: the issuer's, another one, or it does not say (tag CC). */
export type FileDomain = 'issuer' | 'other' | 'untold';

/**
 * Has the card the file of this hash under this name? Only what the card itself has shown or proved counts, and nothing
 * that was only granted. What another provider brought counts while nobody has a load token for this name and another
 * code: a card takes tokens again, and not each act is told. Tokens bring nothing into the issuer's domain.
 */
export async function isVouchedFor(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  file: NamedLoadFile,
  domain: FileDomain = 'untold',
): Promise<boolean> {
  const [row] = await listLoadFiles(database, cardId, [file.aid]);
  if (row === undefined || row.hash === null || row.hash !== file.hash) return false;
  if (row.provider_id !== providerId)
    return row.state === 'loaded' && !(await hasTokenForAnother(database, cardId, file));
  if (row.state === 'unsure' || row.state === 'loading') return false;
  if (domain === 'issuer') return true;
  if (row.state === 'sent')
    return domain === 'untold' && !(await hasTokenForAnother(database, cardId, file, { ever: true }));
  // What it had may be gone, and another's have come.
  if (row.state === 'released' || (await mayBeDeleted(database, cardId, { providerId, aid: file.aid })))
    return !(await hasTokenForAnother(database, cardId, file, { but: providerId }));
  return true;
}

/** Has this provider leave to bring this file, or has the card it? An application by a token may be made of it. */
export async function isBroughtBy(
  database: Database,
  whose: Omit<ProvidersFiles, 'files'>,
  file: NamedLoadFile,
): Promise<boolean> {
  const [row] = await listLoadFiles(database, whose.cardId, [file.aid]);
  const isAsked = row?.state === 'loading' || row?.state === 'sent';
  if (isAsked && row.provider_id === whose.providerId && row.hash !== null && row.hash === file.hash)
    return !(await mayBeDeleted(database, whose.cardId, { providerId: whose.providerId, aid: file.aid }));
  return isVouchedFor(database, whose, file);
}

/** Has this provider a token for the deletion of this file that it has said nothing of? Its flow may go on with it. */
async function mayBeDeleted(
  database: Database,
  cardId: CardId,
  { providerId, aid }: { readonly providerId: string; readonly aid: string },
): Promise<boolean> {
  const row = await database
    .selectFrom('content_tokens')
    .select('token_id')
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    // As its index has them.
    .where(sql<boolean>`act->>'act' = 'delete' AND state <> 'confirmed'`)
    .where(sql<string>`act->>'aid'`, '=', aid)
    .where('state', '=', 'issued')
    .where('ended_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whose load tokens count. */
interface Asked {
  /** A provider whose own tokens do not count. */
  readonly but?: string;
  /**
   * Those too that no card takes any more, because their domain is deleted or the token key is another one: what they
   * brought may be there.
   */
  readonly ever?: true;
}

/**
 * Was a load token given for this name and another code than this? The card takes it whenever it has no such file.
 *
 * @param file without hash: any load token
 */
export async function hasTokenForAnother(
  database: Database,
  cardId: CardId,
  { aid, hash }: NamedLoadFile,
  { but, ever }: Asked = {},
): Promise<boolean> {
  const tokens = database
    .selectFrom('content_tokens')
    .select('token_id')
    .where('card', '=', cardIdText(cardId))
    // As its index has them.
    .where(sql<boolean>`act->>'act' = 'load'`)
    .where(sql<string>`act->>'loadFileAid'`, '=', aid)
    .$if(hash !== undefined, (query) => query.where(sql<string>`act->>'hash'`, 'is distinct from', hash ?? ''))
    .$if(but !== undefined, (query) => query.where('provider_id', '<>', but ?? ''))
    .$if(ever !== true, (query) => query.where('ended_at', 'is', null).where(hasDomain));
  return (await tokens.limit(1).executeTakeFirst()) !== undefined;
}

/** A token is for one domain, and good again when that is made anew. */
const hasDomain = sql<boolean>`EXISTS (
  SELECT 1 FROM delegated_domains d WHERE d.card = content_tokens.card AND d.aid = content_tokens.aid)`;

/** Those that this provider has brought, in the same order. */
export async function broughtBy(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
): Promise<string[]> {
  const rows = await listLoadFiles(database, cardId, aids);
  return aids.filter((aid) => rows.some((row) => row.aid === aid && row.provider_id === providerId));
}

/**
 * Before LOAD leaves, when the card has taken INSTALL [for load] under the MAC of its answer, and so has no such file:
 * from now on one of this name in the issuer's domain is this one.
 *
 * @param database a transaction that looks at the names, in the card's turn
 * @throws ConflictError `too-many-load-files`
 */
export async function recordSent(database: Database, { cardId, providerId, files }: ProvidersFiles): Promise<void> {
  for (const { aid, hash } of files) await put(database, { cardId, providerId, aid, hash, state: 'sent' });
  await requireRoom(database, cardId, providerId);
}

/**
 * Before a load token, when nobody knows what the card has. A row of the same file stays as it is.
 *
 * @param database a transaction that looks at the names
 * @param by number of the token
 * @throws ConflictError `load-file-taken` while the provider has another file of this name there,
 *     `too-many-load-files`
 */
export async function recordLoadToken(
  database: Database,
  { cardId, providerId, files: [file] }: ProvidersFiles & { readonly files: readonly [NamedLoadFile] },
  by?: number,
): Promise<void> {
  const { aid, hash } = file;
  const [row] = await listLoadFiles(database, cardId, [aid]);
  if (row !== undefined && row.provider_id !== providerId) throw fileTaken(cardId, aid);
  const known = row !== undefined && row.hash === hash;
  const mayBeThere = row?.state === 'loading' || row?.state === 'sent';
  if (row !== undefined && !known && (mayBeThere || (row.state === 'loaded' && row.hash !== null)))
    throw fileTaken(cardId, aid);
  const first = await firstState(database, cardId, providerId, file);
  // The one of before may be there still.
  const state = row === undefined ? first : known ? row.state : 'unsure';
  const next = state === 'released' ? first : state;
  if (!known || next !== row?.state) await put(database, { cardId, providerId, aid, hash, state: next }, by);
  await requireRoom(database, cardId, providerId);
}

/**
 * The card has taken them, or has shown them to the issuer who loaded them.
 *
 * @param options.from only rows in these states
 * @param options.by number of the token, and counter of its receipt: nothing was recorded of the name since then, and
 *     the card has deleted no file of it behind
 */
export async function recordLoaded(
  database: Database,
  { cardId, providerId, files }: ProvidersFiles,
  { from, by }: { readonly from?: readonly LoadFileRow['state'][]; readonly by?: Proof } = {},
): Promise<void> {
  for (const { aid, hash } of files)
    await database
      .updateTable('load_files')
      .set({ state: 'loaded' })
      .where('card', '=', cardIdText(cardId))
      .where('aid', '=', aid)
      .where('provider_id', '=', providerId)
      .where('hash', '=', hash ?? '')
      .$if(from !== undefined, (query) => query.where('state', 'in', from ?? []))
      .$if(by !== undefined, (query) =>
        query
          .where('since', '<=', String(by?.number))
          .where(({ not }) => not(confirmedBehind(by?.counter ?? 0, { act: 'delete', name: 'aid' }))),
      )
      .execute();
}

/** Number of a token, and counter of its receipt. */
export interface Proof {
  readonly number: number;
  readonly counter: number;
}

/** Has the card made a later receipt for an act of this kind, for the name of a row of `load_files`? */
const confirmedBehind = (counter: number, { act, name }: { readonly act: string; readonly name: string }) =>
  sql<boolean>`EXISTS (
    SELECT 1 FROM content_tokens t WHERE t.card = load_files.card AND t.provider_id = load_files.provider_id
      AND t.act->>'act' = ${act} AND t.act->>${name} = load_files.aid AND t.counter > ${counter})`;

/**
 * A receipt of DELETE: the file is gone, unless the card has taken one of this name behind; where one was recorded
 * since the token was given, nobody knows.
 */
export async function recordUnloaded(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aid: string,
  { number, counter }: Proof,
): Promise<void> {
  const loaded = confirmedBehind(counter, { act: 'load', name: 'loadFileAid' });
  await removalOf(database, { cardId, providerId }, [aid])
    .where('since', '<=', String(number))
    .where(({ not }) => not(loaded))
    .execute();
  await database
    .updateTable('load_files')
    .set({ state: RELEASED, since: notBefore(number) })
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', aid)
    .where('provider_id', '=', providerId)
    .where('state', 'in', ['loaded', 'sent', 'loading'])
    .where(({ not }) => not(loaded))
    .execute();
}

/** What was only granted was never shown, and is not when its deletion is asked for. */
const RELEASED = sql<'released' | 'unsure'>`CASE state WHEN 'loading' THEN 'unsure' ELSE 'released' END`;

/** A file of which nobody noted what it is, because a release before brought it: the card says that it is there. */
export async function adoptLoadFile(
  database: Database,
  { cardId, providerId, aid }: Omit<ProvidersFiles, 'files'> & { readonly aid: string },
): Promise<void> {
  await database
    .insertInto('load_files')
    .values({ card: cardIdText(cardId), aid, provider_id: providerId, hash: null, state: 'loaded' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Before DELETE leaves, or a token for it is given: from now on they may be gone, whatever answer comes back, and to
 * all others they are there.
 *
 * @param by number of the token
 * @returns those that the card was known to have
 */
export async function releaseLoadFiles(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
  by?: number,
): Promise<readonly string[]> {
  if (aids.length === 0) return [];
  const release = (from: 'loaded' | 'sent' | 'loading') =>
    database
      .updateTable('load_files')
      .set({ state: RELEASED, since: notBefore(by) })
      .where('card', '=', cardIdText(cardId))
      .where('aid', 'in', [...aids])
      .where('provider_id', '=', providerId)
      .where('state', '=', from)
      .returning('aid')
      .execute();
  const known = await release('loaded');
  await release('sent');
  await release('loading');
  // A load that was asked for before may have been before.
  await database
    .updateTable('load_files')
    .set({ since: notBefore(by) })
    .where('card', '=', cardIdText(cardId))
    .where('aid', 'in', [...aids])
    .where('provider_id', '=', providerId)
    .where('state', 'in', ['unsure', 'released'])
    .execute();
  return known.map(({ aid }) => aid);
}

/**
 * The card has refused to delete them in the session in which it showed them: they never left. While a token for their
 * deletion is about, which nothing was heard of, they may leave at any time.
 *
 * @param transaction one that looks at the names, in the card's turn
 * @param aids what `releaseLoadFiles` has answered for this DELETE
 */
export async function keepLoadFiles(
  transaction: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
): Promise<void> {
  if (aids.length === 0) return;
  const asked = await transaction
    .selectFrom('content_tokens')
    .select(sql<string>`act->>'aid'`.as('aid'))
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    .where(sql<boolean>`act->>'act' = 'delete' AND state <> 'confirmed'`)
    .where('ended_at', 'is', null)
    .where(sql<string>`act->>'aid'`, 'in', [...aids])
    .execute();
  const kept = aids.filter((name) => !asked.some(({ aid }) => aid === name));
  if (kept.length === 0) return;
  await transaction
    .updateTable('load_files')
    .set({ state: 'loaded' })
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    .where('aid', 'in', kept)
    .where('state', '=', 'released')
    .execute();
}

/** Two that come at once look at the names of a card one after the other. */
export async function lockNames(transaction: Database, cardId: CardId): Promise<void> {
  const name = `applications of ${cardIdText(cardId)}`;
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
}

/** Of what was adopted nobody knows more than that it is there: what stays is nobody's again. */
export async function forgetAdopted(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
): Promise<void> {
  if (aids.length === 0) return;
  await removalOf(database, { cardId, providerId }, aids).where('hash', 'is', null).execute();
}

/** The card has shown or proved that they are gone. */
export async function forgetLoadFiles(
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
): Promise<void> {
  if (aids.length === 0) return;
  await removalOf(database, { cardId, providerId }, aids).execute();
}

const removalOf = (
  database: Database,
  { cardId, providerId }: Omit<ProvidersFiles, 'files'>,
  aids: readonly string[],
) =>
  database
    .deleteFrom('load_files')
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    .where('aid', 'in', [...aids]);

export const fileTaken = (cardId: CardId, aid: string) =>
  new ConflictError('load-file-taken', `Another file has the name ${aid} on this card`, {
    card: cardIdText(cardId),
    aid,
  });

type State = 'loading' | 'unsure';

/** A token is good more than once: whoever else had one for this name can bring its own code whenever it likes. */
async function firstState(database: Database, cardId: CardId, providerId: string, file: NamedLoadFile): Promise<State> {
  return (await hasTokenForAnother(database, cardId, file, { but: providerId, ever: true })) ? 'unsure' : 'loading';
}

async function put(
  database: Database,
  row: Omit<ProvidersFiles, 'files'> & NamedLoadFile & { readonly state: LoadFileRow['state'] },
  by?: number,
): Promise<void> {
  const { cardId, aid, providerId, hash, state } = row;
  const values = { provider_id: providerId, hash: hash ?? null, state };
  const since = by === undefined ? nextNumber : String(by);
  await database
    .insertInto('load_files')
    .values({ card: cardIdText(cardId), aid, ...values, since })
    .onConflict((conflict) => conflict.columns(['card', 'aid']).doUpdateSet({ ...values, since: notBefore(by) }))
    .execute();
}

async function requireRoom(database: Database, cardId: CardId, providerId: string): Promise<void> {
  const { count } = await database
    .selectFrom('load_files')
    .select((query) => query.fn.countAll<string>().as('count'))
    .where('card', '=', cardIdText(cardId))
    .where('provider_id', '=', providerId)
    .executeTakeFirstOrThrow();
  if (Number(count) > MAX_FILES)
    throw new ConflictError(
      'too-many-load-files',
      `A provider has ${MAX_FILES} load files on a card at most: delete what is not used`,
    );
}
