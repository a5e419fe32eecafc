// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { SendingRules } from '../../wire/message/sending-rules.ts';
import type { CardAgent } from '../../wire/message/subscription.ts';
import { BELL_CHANNEL } from '../bells.ts';
import { databaseError } from '../database-errors.ts';
import { OUTBOX_BELL } from './packet-table.ts';

/**
 * Which number, and which device, a card has: now, and before. With a number or a group the SMSC of a card may change:
 * each change rings for the packets that wait.
 */

export interface SubscriptionRow {
  /** `iccid:8986…` */
  readonly card: string;
  /** International, without `+`. */
  readonly msisdn: string;
  /** IMEI of the handset. */
  readonly device: string | null;
  /** The terminal that may say that the card of this number is in a reader of its; null for none. */
  readonly terminalId: string | null;
  /** The administration agent that the card has; null for none. */
  readonly agent: CardAgent | null;
  /** That the agent names in TLS; null for the card id. */
  readonly pskIdentity: string | null;
  /** Cards that it has rules or an SMSC in common with; null for none. */
  readonly group: string | null;
  /** How messages go to it; null for nothing of its own. */
  readonly sending: SendingRules | null;
  readonly since: Date;
  /** Null while it holds. */
  readonly until: Date | null;
}

export interface NewSubscription {
  readonly msisdn: string;
  readonly device?: string | null | undefined;
  readonly terminalId?: string | null | undefined;
  readonly agent?: CardAgent | null | undefined;
  readonly pskIdentity?: string | null | undefined;
  readonly group?: string | null | undefined;
  readonly sending?: SendingRules | null | undefined;
}

/** Most rows of one card's history that are told. */
const MOST = 100;
const COLUMNS = sql.raw(
  `card, msisdn, device, terminal_id AS "terminalId", agent, psk_identity AS "pskIdentity", card_group AS "group",
    sending, since, until`,
);

export class SubscriptionTable {
  readonly #database: Kysely<unknown>;

  constructor(database: Kysely<unknown>) {
    this.#database = database;
  }

  /**
   * From `now` on the card has this number. What it had before, and who had the number, ends; nothing changes when
   * it is so already.
   */
  async put(card: string, subscription: NewSubscription, now: Date): Promise<SubscriptionRow> {
    const { msisdn, device = null, terminalId = null, agent = null, group = null, sending = null } = subscription;
    const { pskIdentity = null } = subscription;
    const rules = sending === null ? null : JSON.stringify(sending);
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        await sql`SELECT pg_advisory_xact_lock(hashtextextended('subscriptions', 0))`.execute(transaction);
        await sql`UPDATE subscriptions SET until = ${now} WHERE until IS NULL AND (card = ${card} OR msisdn = ${msisdn})
          AND NOT (card = ${card} AND msisdn = ${msisdn} AND device IS NOT DISTINCT FROM ${device}::text
            AND terminal_id IS NOT DISTINCT FROM ${terminalId}::text
            AND agent IS NOT DISTINCT FROM ${agent}::text
            AND psk_identity IS NOT DISTINCT FROM ${pskIdentity}::text
            AND card_group IS NOT DISTINCT FROM ${group}::text
            AND sending IS NOT DISTINCT FROM ${rules}::jsonb)`.execute(transaction);
        await sql`WITH changed AS (
            INSERT INTO subscriptions
              (card, msisdn, device, terminal_id, agent, psk_identity, card_group, sending, since)
            VALUES (${card}, ${msisdn}, ${device}, ${terminalId}, ${agent}, ${pskIdentity}, ${group},
              ${rules}::jsonb, ${now})
            ON CONFLICT DO NOTHING RETURNING id)
          SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL}) FROM changed`.execute(transaction);
        const { rows } = await sql<SubscriptionRow>`SELECT ${COLUMNS} FROM subscriptions
          WHERE card = ${card} AND until IS NULL`.execute(transaction);
        const [row] = rows;
        const given = { card, msisdn, device, terminalId, agent, pskIdentity, group, sending };
        return row ?? { ...given, since: now, until: now };
      }),
    );
  }

  /** The card has no number any more. False when it had none. */
  async end(card: string, now: Date): Promise<boolean> {
    return guarded(async () => {
      const { rows } = await sql`WITH changed AS (UPDATE subscriptions SET until = ${now}
          WHERE card = ${card} AND until IS NULL RETURNING id)
        SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL}) FROM changed`.execute(this.#database);
      return rows.length > 0;
    });
  }

  async ofCard(card: string): Promise<SubscriptionRow | undefined> {
    const [row] = await this.#rows(sql`SELECT ${COLUMNS} FROM subscriptions WHERE card = ${card} AND until IS NULL`);
    return row;
  }

  async ofNumber(msisdn: string): Promise<SubscriptionRow | undefined> {
    const [row] = await this.#rows(
      sql`SELECT ${COLUMNS} FROM subscriptions WHERE msisdn = ${msisdn} AND until IS NULL`,
    );
    return row;
  }

  /**
   * The card whose number a terminal says that it has in a reader. A terminal may say any number: its word counts for
   * the cards that are entered with it, so that no other subscriber's card is sent anything.
   */
  async at(terminalId: string, msisdn: string): Promise<SubscriptionRow | undefined> {
    const found = await this.ofNumber(msisdn);
    return found?.terminalId === terminalId ? found : undefined;
  }

  /** The newest first. */
  async history(card: string): Promise<readonly SubscriptionRow[]> {
    return this.#rows(sql`SELECT ${COLUMNS} FROM subscriptions WHERE card = ${card} ORDER BY id DESC LIMIT ${MOST}`);
  }

  async #rows(statement: RawBuilder<SubscriptionRow>): Promise<readonly SubscriptionRow[]> {
    return guarded(async () => (await statement.execute(this.#database)).rows);
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
