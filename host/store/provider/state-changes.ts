// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import {
  INSTANCE_STATE,
  type ProductState,
  type ProductStateChange,
  type ProductStateSnapshot,
} from '../../wire/message/platform.ts';
import { cardIdText } from '../card-id.ts';
import { addCardLocks } from './card-locks.ts';
import { addRenewals } from './renewals.ts';
import type { ProviderTables } from './schema.ts';
import { enqueueOwnNotice } from './spos-notices.ts';

/** What the issuer says of products on cards, change by change, or all of a card at once after one was restored. */

type Database = Kysely<ProviderTables>;

/** A change that is repeated is one of the last. */
const REMEMBERED = 1_000;
/** From the mildest to the strictest. */
const STATES = ['VALID', 'SUSPENDED', 'INVALID', 'TERMINATED'] as const;

/** One that is not deployed wholly stays where it is; one that its provider suspended too. */
const stateUnder = (productState: RawBuilder<unknown>) => sql<number>`
  CASE WHEN now.state NOT IN (${INSTANCE_STATE.OPERATIONAL}::int, ${INSTANCE_STATE.SUSPENDED}::int) THEN now.state
    WHEN ${productState} = 'VALID' AND NOT now.suspended THEN ${INSTANCE_STATE.OPERATIONAL}::int
    ELSE ${INSTANCE_STATE.SUSPENDED}::int END`;

/**
 * The card's instances as they are when nobody changes them any more: a process that ends in this moment is waited for,
 * else its server would hear of a move from a state that was none any more.
 */
const beforeOf = (card: string) => sql`before AS MATERIALIZED (
  SELECT instance_id, state FROM service_instances WHERE card = ${card} ORDER BY instance_id FOR UPDATE)`;

/** Changes of one card go one after the other. @returns the number of the last that was taken */
async function lockSequence(transaction: Database, card: string): Promise<number> {
  await transaction
    .insertInto('state_change_sequences')
    .values({ card, last: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { last } = await transaction
    .selectFrom('state_change_sequences')
    .select('last')
    .where('card', '=', card)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return last;
}

const setSequence = (transaction: Database, card: string, last: number) =>
  transaction.updateTable('state_change_sequences').set({ last }).where('card', '=', card).execute();

/**
 * Takes a change of the issuer over, once, in its order.
 *
 * @returns false for one that was taken before
 * @throws ConflictError `sequence-gap` when one before it has not come yet, `other-history` when another one was taken
 *     under its number: one of the two databases was restored
 */
export async function applyStateChange(database: Database, change: ProductStateChange): Promise<boolean> {
  const { eventId, sequence, productId, to } = change;
  const card = cardIdText(change.cardId);
  return database.transaction().execute(async (transaction) => {
    const last = await lockSequence(transaction, card);
    if (sequence <= last) {
      await requireSame(transaction, card, change);
      return false;
    }
    if (sequence > last + 1)
      throw new ConflictError('sequence-gap', 'A change of this card before this one has not come yet', { last });
    await setSequence(transaction, card, sequence);
    await sql`DELETE FROM state_changes_taken WHERE card = ${card}
      AND (sequence >= ${sequence} OR sequence <= ${sequence - REMEMBERED})`.execute(transaction);
    await transaction.insertInto('state_changes_taken').values({ card, sequence, event_id: eventId }).execute();
    const { rows } = await sql<Moved>`
      WITH ${beforeOf(card)}
      UPDATE service_instances AS now SET product_state = ${to}, revision = now.revision + 1,
        state = ${stateUnder(sql`${to}`)} FROM before
      WHERE now.instance_id = before.instance_id AND now.product_id = ${productId}
      RETURNING now.instance_id AS "instanceId", before.state AS was, now.state AS became`.execute(transaction);
    await addCardLocks(
      transaction,
      rows.map(({ instanceId }) => instanceId),
    );
    await renewOn(transaction, rows, change);
    await tellServers(transaction, rows, { event: `${card} ${sequence} ${eventId}`, renewed: isRenewed(change) });
    return true;
  });
}

/** Another card has taken the place of this one. */
const isRenewed = ({ to, replacedBy }: Pick<ProductStateChange, 'to' | 'replacedBy'>): boolean =>
  to === 'TERMINATED' && replacedBy !== undefined;

async function renewOn(
  transaction: Database,
  moved: readonly Moved[],
  { to, replacedBy }: Pick<ProductStateChange, 'to' | 'replacedBy'>,
): Promise<void> {
  if (to !== 'TERMINATED' || replacedBy === undefined || moved.length === 0) return;
  await addRenewals(
    transaction,
    moved.map(({ instanceId }) => instanceId),
    replacedBy,
  );
}

interface Moved {
  readonly instanceId: string;
  readonly was: number;
  readonly became: number;
}

/**
 * The servers of service providers hear that the issuer has blocked an instance, that it is free again, and that
 * another card takes the place of its own.
 */
async function tellServers(
  transaction: Database,
  moved: readonly Moved[],
  { event, renewed }: { readonly event: string; readonly renewed: boolean },
): Promise<void> {
  const { OPERATIONAL, SUSPENDED } = INSTANCE_STATE;
  for (const { instanceId, was, became } of moved) {
    const moves = was !== became;
    if ((!moves && !renewed) || ![OPERATIONAL, SUSPENDED].some((state) => state === was)) continue;
    const row = await transaction
      .selectFrom('service_deployments')
      .select(['service_id', 'version_tag'])
      .where('instance_id', '=', instanceId)
      .executeTakeFirst();
    if (row === undefined) continue;
    const at = new Date();
    const result = {
      processId: createHash('sha256').update(`${event} ${instanceId}`).digest('hex').slice(0, 32),
      serviceId: row.service_id,
      versionTag: row.version_tag,
      serviceInstanceId: instanceId,
      executionStatus: 0,
      executionMessage: '',
      startDate: at.toISOString(),
      endDate: at.toISOString(),
      serviceStartState: was,
      serviceEndState: became,
    };
    const switched = became === SUSPENDED ? 'block' : 'unblock';
    const replaced = moves ? 'renew' : 'renewBlocked';
    await enqueueOwnNotice(transaction, result, { operation: renewed ? replaced : switched, at });
  }
}

/** One that is in a snapshot is known by the last of that: it was made before. */
async function requireSame(transaction: Database, card: string, { eventId, sequence }: ProductStateChange) {
  const known = await transaction
    .selectFrom('state_changes_taken')
    .select(['event_id', 'sequence'])
    .where('card', '=', card)
    .where('sequence', '>=', sequence)
    .orderBy('sequence')
    .executeTakeFirst();
  // Nothing is known of those that a release of before has taken.
  if (known === undefined || known.event_id === eventId) return;
  if (known.sequence > sequence && BigInt(eventId) <= BigInt(known.event_id)) return;
  throw new ConflictError('other-history', 'Another change of this card was taken under this number', { sequence });
}

/**
 * Takes all states of a card over, in the place of the changes up to their number. Where the issuer has forgotten what
 * was taken here, the stricter state stays: a loss that it does not know any more is not undone by that. What fills a
 * gap that is none any more was late on its way, and changes nothing.
 *
 * @returns how many products have another state now, and how many kept a stricter one
 */
export async function applySnapshot(
  database: Database,
  cardId: CardId,
  { products, sequence, eventId, reason, replacedBy }: ProductStateSnapshot,
): Promise<{ readonly changed: number; readonly kept: number }> {
  const card = cardIdText(cardId);
  return database.transaction().execute(async (transaction) => {
    const last = await lockSequence(transaction, card);
    if (reason === 'sequence-gap' && sequence <= last) return { changed: 0, kept: 0 };
    await setSequence(transaction, card, sequence);
    await transaction.deleteFrom('state_changes_taken').where('card', '=', card).execute();
    if (eventId !== undefined)
      await transaction.insertInto('state_changes_taken').values({ card, sequence, event_id: eventId }).execute();
    const told = sql`unnest(${products.map(({ productId }) => productId)}::text[],
      ${products.map(({ state }) => state)}::text[]) AS told (product_id, told_state)`;
    const rank = (state: RawBuilder<unknown>) => sql`array_position(${[...STATES]}::text[], ${state})`;
    const isOther = sql`now.card = ${card} AND now.product_id = told.product_id AND now.product_state <> told_state`;
    const stricter = sql`${rank(sql`now.product_state`)} > ${rank(sql`told_state`)}`;
    const kept = reason === 'sequence-gap' ? sql`false` : stricter;
    const { rows } = await sql<{ kept: number }>`
      SELECT count(*)::int AS kept FROM service_instances AS now, ${told} WHERE ${isOther} AND ${kept}`.execute(
      transaction,
    );
    const { rows: moved } = await sql<Moved & { readonly to: ProductState }>`
      WITH ${beforeOf(card)}
      UPDATE service_instances AS now SET product_state = told_state, revision = now.revision + 1,
        state = ${stateUnder(sql`told_state`)}
      FROM ${told}, before
      WHERE now.instance_id = before.instance_id AND ${isOther} AND NOT ${kept}
      RETURNING now.instance_id AS "instanceId", before.state AS was, now.state AS became,
        now.product_state AS to`.execute(transaction);
    await addCardLocks(
      transaction,
      moved.map(({ instanceId }) => instanceId),
    );
    const event = `${card} ${sequence} ${reason}`;
    const successor = replacedBy === undefined ? {} : { replacedBy };
    for (const one of moved) {
      const change = { to: one.to, ...successor };
      await renewOn(transaction, [one], change);
      await tellServers(transaction, [one], { event, renewed: isRenewed(change) });
    }
    return { changed: moved.length, kept: rows[0]?.kept ?? 0 };
  });
}
