// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { BELL_CHANNEL } from '../bells.ts';
import type { Migration } from '../database.ts';
import { databaseError } from '../database-errors.ts';
import { type CampaignRules, OUTBOX_BELL, type PacketState } from './packet-table.ts';

/** Packets that were asked for together: paused, resumed and cancelled as one. */

export const CAMPAIGN_MIGRATION: Migration = {
  number: 6,
  name: 'campaigns',
  sql: `
    CREATE TABLE campaigns (
      id text PRIMARY KEY,
      body_sha256 text NOT NULL,
      name text NOT NULL,
      state text NOT NULL CHECK (state IN ('running', 'paused', 'cancelled')),
      at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      rules jsonb NOT NULL
    );
    CREATE INDEX campaigns_at ON campaigns (at);
    ALTER TABLE sms_packets ADD COLUMN campaign text REFERENCES campaigns;
    CREATE INDEX sms_packets_campaign ON sms_packets (campaign, id) WHERE campaign IS NOT NULL;
  `,
};

type CampaignState = 'running' | 'paused' | 'cancelled';

export interface CampaignRow {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly at: Date;
  readonly expiresAt: Date;
  readonly rules: CampaignRules;
  readonly packets: Readonly<Partial<Record<PacketState, number>>>;
}

export interface NewCampaign extends Pick<CampaignRow, 'id' | 'name' | 'at' | 'expiresAt' | 'rules'> {
  readonly bodySha256: string;
  readonly nextAt: Date;
  readonly packet: {
    readonly keySet: number;
    readonly spi: Uint8Array;
    readonly tar: Uint8Array;
    readonly data: Uint8Array;
    readonly priority: number;
  };
  /** One packet each. */
  readonly cards: readonly { readonly packetId: string; readonly card: string }[];
}

const COLUMNS = sql.raw(`id, name, state, at, expires_at AS "expiresAt", rules,
  (SELECT coalesce(jsonb_object_agg(p.state, p.count), '{}') FROM (SELECT state, count(*)::int AS count
    FROM sms_packets WHERE campaign = campaigns.id GROUP BY state) p) AS packets`);
const MOST = 100;

export class CampaignTable {
  readonly #database: Kysely<unknown>;

  constructor(database: Kysely<unknown>) {
    this.#database = database;
  }

  /** Adds a campaign with its packets. @returns the digest of the body that it was first made with, if it was before */
  async add(campaign: NewCampaign): Promise<string | undefined> {
    const { id, bodySha256, name, at, expiresAt, rules, nextAt, packet, cards } = campaign;
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const added = await sql`INSERT INTO campaigns (id, body_sha256, name, state, at, expires_at, rules)
          VALUES (${id}, ${bodySha256}, ${name}, 'running', ${at}, ${expiresAt}, ${JSON.stringify(rules)})
          ON CONFLICT DO NOTHING RETURNING id`.execute(transaction);
        if (added.rows.length === 0) {
          const { rows } = await sql<{ body: string }>`SELECT body_sha256 AS body FROM campaigns
            WHERE id = ${id}`.execute(transaction);
          return rows[0]?.body;
        }
        const { keySet, spi, tar, data, priority } = packet;
        await sql`INSERT INTO sms_packets
          (id, card, key_set, spi, tar, data, priority, at, next_at, expires_at, state, campaign)
          SELECT "packetId", card, ${keySet}, ${spi}, ${tar}, ${data}, ${priority}, ${at}, ${nextAt}, ${expiresAt},
            'queued', ${id}
          FROM jsonb_to_recordset(${JSON.stringify(cards)}::jsonb) AS t ("packetId" text, card text)`.execute(
          transaction,
        );
        await sql`SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL})`.execute(transaction);
        return undefined;
      }),
    );
  }

  async find(id: string): Promise<CampaignRow | undefined> {
    const [row] = await this.#rows(sql`SELECT ${COLUMNS} FROM campaigns WHERE id = ${id}`);
    return row;
  }

  /** The newest first. */
  async list(): Promise<readonly CampaignRow[]> {
    return this.#rows(sql`SELECT ${COLUMNS} FROM campaigns ORDER BY at DESC, id LIMIT ${MOST}`);
  }

  /** Nothing more of it leaves, or goes on to leave. False when it was cancelled before, or is none. */
  async setPaused(id: string, paused: boolean): Promise<boolean> {
    const [to, from] = paused ? ['paused', 'running'] : ['running', 'paused'];
    return guarded(async () => {
      const { rows } = await sql`WITH changed AS (UPDATE campaigns SET state = ${to}
          WHERE id = ${id} AND state IN (${from}, ${to}) RETURNING id)
        SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL}) FROM changed`.execute(this.#database);
      return rows.length > 0;
    });
  }

  /** What has not left never will; what has is not sent again, and its answer is still taken. False when it is none. */
  async cancel(id: string): Promise<boolean> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const { rows } = await sql`UPDATE campaigns SET state = 'cancelled' WHERE id = ${id} RETURNING id`.execute(
          transaction,
        );
        await sql`UPDATE sms_packets SET state = 'withdrawn', data = NULL
          WHERE campaign = ${id} AND state = 'queued'`.execute(transaction);
        await sql`UPDATE sms_packets SET next_at = expires_at WHERE campaign = ${id} AND state = 'sent'`.execute(
          transaction,
        );
        await sql`SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL})`.execute(transaction);
        return rows.length > 0;
      }),
    );
  }

  /** Forgets campaigns that have no packet any more. */
  async prune(before: Date): Promise<void> {
    await guarded(() =>
      sql`DELETE FROM campaigns WHERE expires_at < ${before}
        AND NOT EXISTS (SELECT 1 FROM sms_packets WHERE campaign = campaigns.id)`.execute(this.#database),
    );
  }

  async #rows(statement: RawBuilder<CampaignRow>): Promise<readonly CampaignRow[]> {
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
