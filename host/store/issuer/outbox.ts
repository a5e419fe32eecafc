// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductState, ProductStateChange, ProductStateSnapshot } from '../../wire/message/platform.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** State changes on their way to providers: written with the change, gone when the provider has acknowledged them. */

type Database = Kysely<IssuerTables>;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** Providers for whom something is due. */
export async function listDueProviders(database: Database): Promise<string[]> {
  const rows = await database
    .selectFrom('outbox')
    .select('provider_id')
    .distinct()
    .where('delivered_at', 'is', null)
    .where('next_at', '<=', sql<Date>`now()`)
    .execute();
  return rows.map((row) => row.provider_id);
}

/** What the provider made of a change: took it, did not, or wants all states of the card instead. */
export type Delivered = boolean | ProductStateSnapshot['reason'];

export interface Deliver {
  change(change: ProductStateChange): Promise<Delivered>;
  /** @returns whether the provider took them */
  states(cardId: CardId, snapshot: ProductStateSnapshot): Promise<boolean>;
}

/** Changes of one card that are handed on under one lock. */
const BATCH = 64;
/** Cards that are looked at for one that no other node works on. */
const CANDIDATES = 8;
/** When a change was made, in microseconds. */
const STAMP = sql.raw('(extract(epoch FROM at) * 1000000)::bigint::text');

/**
 * Hands on the oldest changes that are due, of one card and in their order. The rows stay locked meanwhile: other nodes
 * pass over that card.
 *
 * @param goesOn false when the rest of them is to wait
 * @returns whether the provider took them, undefined when nothing is due
 */
export async function deliverNext(
  database: Database,
  providerId: string,
  deliver: Deliver,
  goesOn: () => boolean = () => true,
): Promise<boolean | undefined> {
  return database.transaction().execute(async (transaction) => {
    const changes = await nextDue(transaction, providerId);
    if (changes.length === 0) return undefined;
    const taken: string[] = [];
    let last: Delivered = true;
    for (const { rowId, change } of changes) {
      last = goesOn() && (await deliver.change(change));
      if (last !== true) break;
      taken.push(rowId);
    }
    await sql`UPDATE outbox SET delivered_at = now() WHERE event_id = ANY(${taken}::bigint[])`.execute(transaction);
    const refused = changes[taken.length];
    if (refused === undefined) return true;
    if (!goesOn()) return false;
    const { cardId } = refused.change;
    if (typeof last === 'string' && (await handStates(transaction, { providerId, cardId, reason: last }, deliver)))
      return true;
    await sql`
      UPDATE outbox SET attempts = attempts + 1, next_at = now() + interval '1 millisecond'
        * least(${LONGEST_PAUSE_MS}, ${FIRST_PAUSE_MS} * power(2, least(attempts, 20)))
      WHERE event_id = ${refused.rowId}`.execute(transaction);
    return false;
  });
}

type States = Pick<ProductStateSnapshot, 'products' | 'sequence'> & {
  readonly stamp: string | null;
  readonly replaced_by: string | null;
};

/** All states of the card and their last number, of one moment: what waits up to there is in them. */
async function handStates(
  transaction: Transaction<IssuerTables>,
  {
    providerId,
    cardId,
    reason,
  }: Pick<ProductStateSnapshot, 'reason'> & { readonly providerId: string; readonly cardId: CardId },
  deliver: Deliver,
): Promise<boolean> {
  const card = cardIdText(cardId);
  const { rows } = await sql<States>`
    SELECT coalesce(last.sequence, 0) AS sequence, ${STAMP} AS stamp,
      (SELECT replaced_by FROM cards WHERE card = ${card}) AS replaced_by,
      coalesce((SELECT json_agg(json_build_object('productId', on_card.product_id, 'state', on_card.state))
        FROM card_products AS on_card JOIN products ON products.product_id = on_card.product_id
        WHERE on_card.card = ${card} AND products.provider_id = ${providerId}), '[]') AS products
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (SELECT sequence, at FROM outbox
      WHERE provider_id = ${providerId} AND card = ${card} ORDER BY sequence DESC LIMIT 1) AS last ON true`.execute(
    transaction,
  );
  const [row] = rows;
  if (row === undefined) return false;
  const { stamp, replaced_by: replacedBy, ...states } = row;
  const event = stamp === null ? {} : { eventId: stamp };
  if (!(await deliver.states(cardId, { reason, ...states, ...event, ...successorOf(replacedBy) }))) return false;
  await sql`
    UPDATE outbox SET delivered_at = now() WHERE provider_id = ${providerId} AND card = ${card}
      AND sequence <= ${states.sequence} AND delivered_at IS NULL`.execute(transaction);
  return true;
}

/** By provider: how many changes wait, and for how many seconds the oldest of them has. */
export async function listWaiting(
  database: Database,
): Promise<readonly { readonly providerId: string; readonly waiting: number; readonly seconds: number }[]> {
  const { rows } = await sql<{ providerId: string; waiting: number; seconds: number }>`
    SELECT provider_id AS "providerId", count(*)::int AS waiting,
      extract(epoch FROM now() - min(at))::float8 AS seconds
    FROM outbox WHERE delivered_at IS NULL GROUP BY provider_id`.execute(database);
  return rows;
}

interface Waiting {
  readonly event_id: string;
  readonly stamp: string;
  readonly card: string;
  readonly product_id: string;
  readonly from_state: ProductState;
  readonly to_state: ProductState;
  readonly sequence: number;
  /** The card that has taken the place of this one. */
  readonly replaced_by: string | null;
}

/** The first changes of a card, the one that waits longest before; none where another node has them. */
async function nextDue(transaction: Transaction<IssuerTables>, providerId: string): Promise<Due[]> {
  const heads = await sql<Pick<Waiting, 'event_id' | 'card'>>`
    SELECT event_id, card FROM (
      SELECT DISTINCT ON (card) event_id, card, next_at FROM outbox
      WHERE provider_id = ${providerId} AND delivered_at IS NULL ORDER BY card, sequence) AS heads
    WHERE next_at <= now() ORDER BY event_id LIMIT ${CANDIDATES}`.execute(transaction);
  for (const { event_id: first, card } of heads.rows) {
    const { rows } = await sql<Waiting>`
      SELECT event_id, card, product_id, from_state, to_state, sequence,
        (SELECT replaced_by FROM cards WHERE cards.card = outbox.card) AS replaced_by,
        ${STAMP} AS stamp FROM outbox
      WHERE provider_id = ${providerId} AND card = ${card} AND delivered_at IS NULL
      ORDER BY sequence LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`.execute(transaction);
    // Another node has the first: what comes behind it waits.
    if (rows[0]?.event_id === first) return rows.map(changeOf);
  }
  return [];
}

const successorOf = (card: string | null) => (card === null ? {} : { replacedBy: cardIdOfText(card) });

interface Due {
  readonly rowId: string;
  readonly change: ProductStateChange;
}

const changeOf = (row: Waiting): Due => ({
  rowId: row.event_id,
  change: {
    eventId: row.stamp,
    cardId: cardIdOfText(row.card),
    productId: row.product_id,
    from: row.from_state,
    to: row.to_state,
    sequence: row.sequence,
    ...(row.to_state === 'TERMINATED' ? successorOf(row.replaced_by) : {}),
  },
});
