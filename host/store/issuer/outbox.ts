// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ProductState, ProductStateChange } from '../../wire/message/platform.ts';
import { cardIdOfText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** State changes on their way to providers: written with the change, gone when the provider has acknowledged them. */

type Database = Kysely<IssuerTables>;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** In the transaction of the change, which holds the row of the card: sequences have no gaps. */
export async function enqueueStateChange(
  transaction: Database,
  change: {
    readonly providerId: string;
    readonly card: string;
    readonly productId: string;
    readonly from: ProductState;
    readonly to: ProductState;
  },
): Promise<void> {
  const { providerId, card, productId, from, to } = change;
  await sql`
    INSERT INTO outbox (provider_id, card, sequence, product_id, from_state, to_state)
    SELECT ${providerId}, ${card}, coalesce(max(sequence), 0) + 1, ${productId}, ${from}, ${to}
    FROM outbox WHERE provider_id = ${providerId} AND card = ${card}`.execute(transaction);
}

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

/**
 * Hands on the oldest change that is due, before which nothing of its card waits. The row stays locked meanwhile: other
 * nodes pass over it.
 *
 * @returns what became of it, undefined when nothing is due
 */
export async function deliverNext(
  database: Database,
  providerId: string,
  deliver: Deliver,
): Promise<boolean | undefined> {
  return database.transaction().execute(async (transaction) => {
    const change = await nextDue(transaction, providerId);
    if (change === undefined) return undefined;
    const taken = await deliver(change);
    if (taken) {
      await sql`UPDATE outbox SET delivered_at = now() WHERE event_id = ${change.eventId}`.execute(transaction);
    } else {
      await sql`
        UPDATE outbox SET attempts = attempts + 1, next_at = now() + interval '1 millisecond'
          * least(${LONGEST_PAUSE_MS}, ${FIRST_PAUSE_MS} * power(2, least(attempts, 20)))
        WHERE event_id = ${change.eventId}`.execute(transaction);
    }
    return taken;
  });
}

async function nextDue(
  transaction: Transaction<IssuerTables>,
  providerId: string,
): Promise<ProductStateChange | undefined> {
  const { rows } = await sql<{
    event_id: string;
    card: string;
    product_id: string;
    from_state: ProductState;
    to_state: ProductState;
    sequence: number;
  }>`
    SELECT event_id, card, product_id, from_state, to_state, sequence FROM outbox
    WHERE provider_id = ${providerId} AND delivered_at IS NULL AND next_at <= now() AND NOT EXISTS (
      SELECT 1 FROM outbox AS earlier WHERE earlier.provider_id = outbox.provider_id AND earlier.card = outbox.card
        AND earlier.delivered_at IS NULL AND earlier.sequence < outbox.sequence)
    ORDER BY event_id LIMIT 1 FOR UPDATE SKIP LOCKED`.execute(transaction);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...{ eventId: row.event_id, cardId: cardIdOfText(row.card), productId: row.product_id },
    ...{ from: row.from_state, to: row.to_state, sequence: row.sequence },
  };
}
