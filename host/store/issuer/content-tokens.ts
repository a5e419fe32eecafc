// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import { cardIdText } from '../card-id.ts';
import { requireOwnNames } from './applications.ts';
import { lockNames } from './load-files.ts';
import type { IssuerTables } from './schema.ts';

/** Domains with Delegated Management, the tokens that were given for them, and the receipts that came back. */

type Database = Kysely<IssuerTables>;

export interface DelegatedDomain {
  readonly cardId: CardId;
  readonly ssdAid: string;
  readonly providerId: string;
  /** '5F20' of the domain. */
  readonly applicationProviderId: string;
  /** IIN and CIN of the card's ISD. */
  readonly iin: string;
  readonly cin: string;
}

/** Of one provider on one card, without a receipt. */
const MAX_OPEN_TOKENS = 1_000;

/**
 * Before the card makes it. The card takes tokens again that were given for a domain of this name before: the issuer
 * must be able to give them now.
 *
 * @throws ConflictError `load-file-taken` where one of them would bring another file under another provider's name
 */
export async function putDelegatedDomain(database: Database, domain: DelegatedDomain): Promise<void> {
  const { cardId, providerId, ssdAid } = domain;
  const card = cardIdText(cardId);
  const values = {
    card,
    aid: ssdAid,
    provider_id: providerId,
    application_provider_id: domain.applicationProviderId,
    iin: domain.iin,
    cin: domain.cin,
  };
  await database.transaction().execute(async (transaction) => {
    await lockNames(transaction, cardId);
    const known = await findDelegatedDomain(transaction, cardId, ssdAid);
    const again = transaction
      .selectFrom('content_tokens')
      .select([sql<string>`act->>'loadFileAid'`.as('aid'), sql<string>`act->>'hash'`.as('hash')])
      .distinct()
      .where('card', '=', card)
      .where('aid', '=', ssdAid)
      .where('ended_at', 'is', null)
      .where(sql<boolean>`act->>'act' = 'load'`);
    for (const loadFile of known === undefined ? await again.execute() : [])
      await requireOwnNames(transaction, { cardId, providerId, loadFile });
    await transaction
      .insertInto('delegated_domains')
      .values(values)
      .onConflict((conflict) => conflict.columns(['card', 'aid']).doUpdateSet(values))
      .execute();
  });
}

export async function findDelegatedDomain(
  database: Database,
  cardId: CardId,
  ssdAid: string,
): Promise<DelegatedDomain | undefined> {
  const row = await database
    .selectFrom('delegated_domains')
    .selectAll()
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', ssdAid)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { provider_id: providerId, application_provider_id: applicationProviderId, iin, cin } = row;
  return { cardId, ssdAid, providerId, applicationProviderId, iin, cin };
}

/** The card has it no more. */
export async function forgetDelegatedDomain(database: Database, cardId: CardId, ssdAid: string): Promise<void> {
  await database
    .deleteFrom('delegated_domains')
    .where('card', '=', cardIdText(cardId))
    .where('aid', '=', ssdAid)
    .execute();
}

export interface ContentTokenRow {
  readonly tokenId: string;
  /** Goes into the token, so that no two are alike. */
  readonly number: number;
  readonly card: string;
  readonly ssdAid: string;
  readonly providerId: string;
  readonly act: DelegatedAct;
  /** Leaves the card with the receipt of this deletion. */
  readonly leaving?: string;
  readonly state: 'issued' | 'confirmed' | 'unproved';
  readonly counter?: number;
  readonly confirmation?: string;
  /** No card takes it any more. */
  readonly ended?: true;
}

/**
 * Keeps the row that is there already under this id.
 *
 * @throws ConflictError `too-many-tokens` of the provider on this card that no receipt came for
 */
export async function addContentToken(
  database: Database,
  token: Pick<ContentTokenRow, 'tokenId' | 'ssdAid' | 'providerId' | 'act' | 'leaving'> & { readonly cardId: CardId },
): Promise<void> {
  const { count } = await database
    .selectFrom('content_tokens')
    .select((query) => query.fn.countAll<string>().as('count'))
    .where('card', '=', cardIdText(token.cardId))
    .where('provider_id', '=', token.providerId)
    .where(sql<boolean>`state <> 'confirmed'`)
    .where('ended_at', 'is', null)
    .where('token_id', '<>', token.tokenId)
    .executeTakeFirstOrThrow();
  if (Number(count) >= MAX_OPEN_TOKENS)
    throw new ConflictError(
      'too-many-tokens',
      `A provider has ${MAX_OPEN_TOKENS} tokens of a card without a receipt at most: report those that came`,
    );
  await database
    .insertInto('content_tokens')
    .values({
      token_id: token.tokenId,
      card: cardIdText(token.cardId),
      aid: token.ssdAid,
      provider_id: token.providerId,
      act: JSON.stringify(token.act),
      state: 'issued' as const,
      counter: null,
      confirmation: null,
      leaving: token.leaving ?? null,
      ended_at: null,
    })
    .onConflict((conflict) => conflict.column('token_id').doNothing())
    .execute();
}

export async function findContentToken(database: Database, tokenId: string): Promise<ContentTokenRow | undefined> {
  const row = await database
    .selectFrom('content_tokens')
    .selectAll()
    .where('token_id', '=', tokenId)
    .executeTakeFirst();
  return row === undefined ? undefined : toRow(row);
}

/** Does another token of this card have this counter? */
export async function isCounterTaken(database: Database, { card, tokenId }: ContentTokenRow, counter: number) {
  const row = await database
    .selectFrom('content_tokens')
    .select('token_id')
    .where('card', '=', card)
    .where('counter', '=', counter)
    .where('token_id', '<>', tokenId)
    .executeTakeFirst();
  return row !== undefined;
}

/** The receipt verified. False when it had another state meanwhile. */
export async function confirmContentToken(
  database: Database,
  { tokenId }: ContentTokenRow,
  { counter, confirmation }: { readonly counter: number; readonly confirmation: string },
): Promise<boolean> {
  const row = await database
    .updateTable('content_tokens')
    .set({ state: 'confirmed', counter, confirmation })
    .where('token_id', '=', tokenId)
    .where('state', '<>', 'confirmed')
    .returning('token_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The provider has no answer of the card's: a receipt may still come. */
export async function leaveUnproved(database: Database, { tokenId }: ContentTokenRow): Promise<void> {
  await database
    .updateTable('content_tokens')
    .set({ state: 'unproved' })
    .where('token_id', '=', tokenId)
    .where('state', '=', 'issued')
    .execute();
}

/**
 * The card takes none of those any more that it was given until now.
 *
 * @returns how many
 */
export async function endContentTokens(database: Database, cardId: CardId): Promise<number> {
  return database.transaction().execute(async (transaction) => {
    await lockNames(transaction, cardId);
    const rows = await transaction
      .updateTable('content_tokens')
      .set({ ended_at: sql<Date>`now()` })
      .where('card', '=', cardIdText(cardId))
      .where('ended_at', 'is', null)
      .returning('token_id')
      .execute();
    return rows.length;
  });
}

/** In the order they were given, the last 1,000. */
export async function listContentTokens(database: Database, cardId: CardId): Promise<ContentTokenRow[]> {
  const rows = await database
    .selectFrom('content_tokens')
    .selectAll()
    .where('card', '=', cardIdText(cardId))
    .orderBy('number', 'desc')
    .limit(1_000)
    .execute();
  return rows.map(toRow).reverse();
}

function toRow(row: Selectable<IssuerTables['content_tokens']>): ContentTokenRow {
  return {
    tokenId: row.token_id,
    number: Number(row.number),
    card: row.card,
    ssdAid: row.aid,
    providerId: row.provider_id,
    act: row.act,
    state: row.state,
    ...(row.leaving === null ? {} : { leaving: row.leaving }),
    ...(row.counter === null ? {} : { counter: row.counter }),
    ...(row.confirmation === null ? {} : { confirmation: row.confirmation }),
    ...(row.ended_at === null ? {} : { ended: true as const }),
  };
}
