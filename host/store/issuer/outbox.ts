// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ProductState, ProductStateChange } from '../../wire/message/platform.ts';
import { cardIdOfText } from '../card-id.ts';
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

/** True when the provider took it. */
export type Deliver = (change: ProductStateChange) => Promise<boolean>;

/** Changes of one card that are handed on under one lock. */
const BATCH = 64;
/** Cards that are looked at for one that no other node works on. */
const CANDIDATES = 8;

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
    for (const change of changes) {
      if (!goesOn() || !(await deliver(change))) break;
      taken.push(change.eventId);
    }
    await sql`UPDATE outbox SET delivered_at = now() WHERE event_id = ANY(${taken}::bigint[])`.execute(transaction);
    const refused = changes[taken.length];
    if (refused === undefined) return true;
    if (!goesOn()) return false;
    await sql`
      UPDATE outbox SET attempts = attempts + 1, next_at = now() + interval '1 millisecond'
        * least(${LONGEST_PAUSE_MS}, ${FIRST_PAUSE_MS} * power(2, least(attempts, 20)))
      WHERE event_id = ${refused.eventId}`.execute(transaction);
    return false;
  });
}

interface Waiting {
  readonly event_id: string;
  readonly card: string;
  readonly product_id: string;
  readonly from_state: ProductState;
  readonly to_state: ProductState;
  readonly sequence: number;
}

/** The first changes of a card, the one that waits longest before; none where another node has them. */
async function nextDue(transaction: Transaction<IssuerTables>, providerId: string): Promise<ProductStateChange[]> {
  const heads = await sql<Pick<Waiting, 'event_id' | 'card'>>`
    SELECT event_id, card FROM (
      SELECT DISTINCT ON (card) event_id, card, next_at FROM outbox
      WHERE provider_id = ${providerId} AND delivered_at IS NULL ORDER BY card, sequence) AS heads
    WHERE next_at <= now() ORDER BY event_id LIMIT ${CANDIDATES}`.execute(transaction);
  for (const { event_id: first, card } of heads.rows) {
    const { rows } = await sql<Waiting>`
      SELECT event_id, card, product_id, from_state, to_state, sequence FROM outbox
      WHERE provider_id = ${providerId} AND card = ${card} AND delivered_at IS NULL
      ORDER BY sequence LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`.execute(transaction);
    // Another node has the first: what comes behind it waits.
    if (rows[0]?.event_id === first) return rows.map(changeOf);
  }
  return [];
}

const changeOf = (row: Waiting): ProductStateChange => ({
  ...{ eventId: row.event_id, cardId: cardIdOfText(row.card), productId: row.product_id },
  ...{ from: row.from_state, to: row.to_state, sequence: row.sequence },
});
