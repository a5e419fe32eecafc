// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { SendingRules } from '../../wire/message/sending-rules.ts';
import { BELL_CHANNEL } from '../bells.ts';
import { databaseError } from '../database-errors.ts';

/**
 * Secured packets on their way to cards by short message: of each card one at a time, all others wait. Each change
 * names the state that it expects: of two nodes that try, one succeeds.
 */

/**
 * `queued` surely nothing of it has left, `sent` a part may have, then one of the ends: `answered` by the card,
 * `refused` by the card before it ran, as it proves, `lost` it may have run, `expired` and `withdrawn` it never left.
 * What is `lost` may still be answered.
 */
export type PacketState = 'queued' | 'sent' | 'answered' | 'refused' | 'lost' | 'expired' | 'withdrawn';

/** When the packets of a campaign may leave, and how often. */
export interface CampaignRules {
  readonly hours?: { readonly from: string; readonly until: string; readonly timeZone?: string };
  readonly sendings?: number;
  readonly resendMs?: number;
  /** Its scripts are compact, and so are the answers. */
  readonly compact?: true;
}

export interface PacketRow {
  readonly id: string;
  readonly card: string;
  readonly keySet: number;
  /** SPI, 2 bytes, and TAR, 3 bytes. */
  readonly spi: Uint8Array;
  readonly tar: Uint8Array;
  /** What the card gets, in clear; null at the end. */
  readonly data: Uint8Array | null;
  readonly priority: number;
  readonly expiresAt: Date;
  readonly state: PacketState;
  /** Number that it goes to, and its counter, from when it is wrapped. */
  readonly msisdn: string | null;
  readonly counter: number | null;
  /** How many times all of it was given to the SMSC. */
  readonly sendings: number;
  /** What the card has said last, with a proof while the packet is open; null where it has said nothing. */
  readonly status: number | null;
  readonly response: Uint8Array | null;
  readonly authenticated: boolean | null;
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly campaign: string | null;
  /** Of its campaign. */
  readonly rules: CampaignRules | null;
  /** What is entered of its card; null while that has no number. */
  readonly subscriber: { readonly group: string | null; readonly sending: SendingRules | null } | null;
}

/** A session's hold on a reader. */
export interface PacketSession {
  readonly terminalId: string;
  readonly readerName: string;
  readonly fence: number;
}

export interface NewPacket
  extends Pick<PacketRow, 'id' | 'card' | 'keySet' | 'spi' | 'tar' | 'priority' | 'expiresAt'> {
  readonly data: Uint8Array;
  /** Not before this. */
  readonly nextAt: Date;
  /** The card session that it belongs to; absent for what nobody holds the card for. */
  readonly session?: PacketSession;
}

/** One of several SMSCs, by its name, and which cards are whose: of the rest the name is empty. */
export interface Lane {
  readonly name: string;
  /** These go before prefixes. */
  readonly groups: readonly { readonly group: string; readonly lane: string }[];
  /** The longest that a number begins with counts. */
  readonly prefixes: readonly { readonly prefix: string; readonly lane: string }[];
}

interface Claim {
  readonly until: Date;
  readonly most: number;
  readonly campaigns: boolean;
  readonly lane?: Lane;
  /** Ids of packets that this node has at work: its claim of one may have run out meanwhile. */
  readonly except?: readonly string[];
}

export interface MessageRow {
  readonly sequence: number;
  readonly userData: Uint8Array;
  /** `queued` it goes in the sending that is under way, or in the next one, `sent` the SMSC may have it. */
  readonly state: 'queued' | 'sent' | 'delivered';
}

/** What the card said. */
export interface PacketAnswer {
  /** `lost` where it may have run the packet, and has no answer to it. */
  readonly state: 'answered' | 'refused' | 'lost';
  readonly status: number;
  readonly response: Uint8Array;
  readonly authenticated: boolean;
}

/** Answers that one number may have begun: whoever sends in a card's name fills no disk. */
const MOST_ANSWERS = 64;

/** Rings at every node when there may be something to send. */
export const OUTBOX_BELL = 'short messages';
/** Rings at every node when a packet leaves, and when it has come to its end. */
export const packetBell = (id: string): string => `packet ${id}`;

const COLUMNS =
  sql.raw(`sms_packets.id, card, key_set AS "keySet", spi, tar, data, priority, expires_at AS "expiresAt", state,
  msisdn, counter::float8 AS counter, sendings, status, response, authenticated,
  messages_in AS "messagesIn", bytes_in AS "bytesIn", campaign,
  (SELECT c.rules FROM campaigns c WHERE c.id = campaign) AS rules,
  (SELECT jsonb_build_object('group', s.card_group, 'sending', s.sending) FROM subscriptions s
    WHERE s.card = sms_packets.card AND s.until IS NULL) AS subscriber`);
/** Of what is entered of the card of the packet `p` now. */
const entered = (column: 'card_group' | 'msisdn') =>
  sql.raw(`(SELECT s.${column} FROM subscriptions s WHERE s.card = p.card AND s.until IS NULL)`);

/** Name of the lane that the packet `p` is in: by the number that it went to, also when its card has none any more. */
const laneOf = ({ groups, prefixes }: Lane) => sql<string>`COALESCE(
  (SELECT g.lane FROM jsonb_to_recordset(${JSON.stringify(groups)}::jsonb) AS g("group" text, lane text)
    WHERE g."group" = ${entered('card_group')}),
  (SELECT x.lane FROM jsonb_to_recordset(${JSON.stringify(prefixes)}::jsonb) AS x(prefix text, lane text)
    WHERE starts_with(COALESCE(p.msisdn, ${entered('msisdn')}), x.prefix) ORDER BY length(x.prefix) DESC LIMIT 1), '')`;

/** Whether there is a number for a packet to go to. */
const hasNumber = (packet: string) =>
  sql.raw(`(${packet}.msisdn IS NOT NULL
  OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.card = ${packet}.card AND s.until IS NULL))`);

/** Whether the campaign of a packet, if it is of one, lets it leave. */
const mayLeave = (packet: string) =>
  sql.raw(`NOT EXISTS (SELECT 1 FROM campaigns c
  WHERE c.id = ${packet}.campaign AND c.state = 'paused')`);

/**
 * Its answer may still come, and is of use: of what a card session has lost nobody would hear it. A card that has
 * proved that it has no answer has none later.
 */
const MAY_BE_LATE = sql.raw(`state = 'lost' AND fence IS NULL AND authenticated IS NOT TRUE`);
/** Of one number, those with the highest counters: each costs a turn to the KMS with each message that comes. */
const MOST_LATE = 4;

/** When a packet goes again: what its card has taken, as it says itself, is only waited for. */
const unlessTaken = (nextAt: Date) => sql`CASE WHEN status IS NULL THEN ${nextAt} ELSE next_at END`;

export class PacketTable {
  readonly #database: Kysely<unknown>;
  readonly #node: string;

  constructor(database: Kysely<unknown>, node: string) {
    this.#database = database;
    this.#node = node;
  }

  async add(packet: NewPacket, now: Date): Promise<void> {
    const { id, card, keySet, spi, tar, data, priority, nextAt, expiresAt, session } = packet;
    const { terminalId = null, readerName = null, fence = null } = session ?? {};
    await this.#change(sql`INSERT INTO sms_packets
      (id, card, key_set, spi, tar, data, priority, at, next_at, expires_at, terminal_id, reader_name, fence, state)
      VALUES (${id}, ${card}, ${keySet}, ${spi}, ${tar}, ${data}, ${priority}, ${now}, ${nextAt}, ${expiresAt},
        ${terminalId}, ${readerName}, ${fence}, 'queued')`);
  }

  async find(id: string): Promise<PacketRow | undefined> {
    const [row] = await this.#rows(sql`SELECT ${COLUMNS} FROM sms_packets WHERE id = ${id}`);
    return row;
  }

  /** Those of a card that have not ended, the one at work first. */
  async open(card: string): Promise<readonly PacketRow[]> {
    return this.#rows(sql`SELECT ${COLUMNS} FROM sms_packets WHERE card = ${card} AND state IN ('queued', 'sent')
      ORDER BY state DESC, priority DESC, at, id LIMIT 1000`);
  }

  /** Those that went to this number and may be answered; some that are lost are behind those that are waited for. */
  async awaiting(msisdn: string): Promise<readonly PacketRow[]> {
    const sent = sql`SELECT ${COLUMNS} FROM sms_packets WHERE msisdn = ${msisdn} AND state = 'sent' LIMIT 16`;
    const late = sql`SELECT ${COLUMNS} FROM sms_packets WHERE msisdn = ${msisdn} AND ${MAY_BE_LATE}
      ORDER BY sms_packets.counter DESC LIMIT ${MOST_LATE}`;
    return this.#rows(sql`(${sent}) UNION ALL (${late}) ORDER BY state DESC, counter DESC`);
  }

  /**
   * Takes packets that are due, so that no other node sends them meanwhile: of a card the one that has left already, or
   * else the first in its queue. Those that no number is known for are left alone: whoever enters one rings.
   *
   * @param until how long the others leave it alone
   * @param campaigns whether those of campaigns are wanted, or all others
   * @param lane by which SMSC; default by any
   */
  async claim(now: Date, { until, most, campaigns, lane, except = [] }: Claim): Promise<readonly PacketRow[]> {
    return this.#rows(sql`WITH due AS (
        SELECT p.id FROM sms_packets p
        WHERE state IN ('queued', 'sent') AND next_at <= ${now} AND expires_at > ${now}
          AND (campaign IS NOT NULL) = ${campaigns} AND ${mayLeave('p')} AND ${hasNumber('p')}
          AND ${lane === undefined ? sql`true` : sql`${laneOf(lane)} = ${lane.name}`}
          AND (claimed_until IS NULL OR claimed_until <= ${now}) AND NOT p.id = ANY(${[...except]}::text[])
          AND NOT EXISTS (SELECT 1 FROM sms_packets o WHERE o.card = p.card AND o.id <> p.id
            AND (o.state = 'sent' OR o.state = 'queued' AND o.claimed_until > ${now}))
          AND (state = 'sent' OR id = (SELECT q.id FROM sms_packets q
            WHERE q.card = p.card AND q.state = 'queued' AND q.next_at <= ${now} AND q.expires_at > ${now}
              AND ${mayLeave('q')} AND ${hasNumber('q')} ORDER BY q.priority DESC, q.at, q.id LIMIT 1))
        ORDER BY priority DESC, next_at LIMIT ${most} FOR UPDATE SKIP LOCKED)
      UPDATE sms_packets SET claimed_by = ${this.#node}, claimed_until = ${until} FROM due
      WHERE sms_packets.id = due.id RETURNING ${COLUMNS}`);
  }

  /** Packets of this node that wait for their turn: the others leave them alone for another while. */
  async hold(ids: readonly string[], until: Date): Promise<void> {
    // Of two that overtake each other the later one holds.
    await this.#plain(sql`UPDATE sms_packets SET claimed_until = greatest(claimed_until, ${until})
      WHERE id = ANY(${[...ids]}::text[]) AND claimed_by = ${this.#node} AND claimed_until IS NOT NULL
        AND state IN ('queued', 'sent')`);
  }

  /** When the next one is due, has its end, or is free of its claim, after `now`; undefined when there is none. */
  async nextDue(now: Date): Promise<Date | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ due: Date | null }>`
        SELECT min(due) AS due FROM sms_packets, unnest(ARRAY[next_at, claimed_until, expires_at]) AS due
        WHERE state IN ('queued', 'sent') AND due > ${now}`.execute(this.#database);
      return rows[0]?.due ?? undefined;
    });
  }

  /** One more than the last counter of this key set, which nobody else gets; undefined when it is used up. */
  async raiseCounter(card: string, keySet: number, last: number): Promise<number | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ counter: number }>`INSERT INTO packet_counters (card, key_set, counter)
        VALUES (${card}, ${keySet}, 1) ON CONFLICT (card, key_set) DO UPDATE
          SET counter = packet_counters.counter + 1 WHERE packet_counters.counter < ${last}
        RETURNING counter::float8 AS counter`.execute(this.#database);
      return rows[0]?.counter;
    });
  }

  /** The last counter of each key set of a card. */
  async counters(card: string): Promise<readonly { readonly keySet: number; readonly counter: number }[]> {
    return guarded(async () => {
      const { rows } = await sql<{ keySet: number; counter: number }>`SELECT key_set AS "keySet",
        counter::float8 AS counter FROM packet_counters WHERE card = ${card} ORDER BY key_set LIMIT 16`.execute(
        this.#database,
      );
      return rows;
    });
  }

  /**
   * The next packet has a higher counter than this one, if the last one had none that is higher, nor one that is more
   * than `step` below: cards take no lower one ever again.
   *
   * @returns what became of it, and the last counter before; undefined for a card that nothing is known of
   */
  async skipTo(
    card: string,
    keySet: number,
    { counter, step }: { readonly counter: number; readonly step: number },
  ): Promise<{ readonly raised: boolean; readonly last: number } | undefined> {
    return guarded(async () => {
      const { rows } = await sql<{ raised: boolean; last: number }>`WITH known AS (
          SELECT COALESCE((SELECT counter FROM packet_counters WHERE card = ${card} AND key_set = ${keySet}), 0) AS last
          WHERE EXISTS (SELECT FROM subscriptions WHERE card = ${card})
            OR EXISTS (SELECT FROM packet_counters WHERE card = ${card})),
        raised AS (INSERT INTO packet_counters (card, key_set, counter)
          SELECT ${card}::text, ${keySet}::integer, ${counter}::bigint FROM known
            WHERE ${counter}::bigint - last <= ${step}::bigint
          ON CONFLICT (card, key_set) DO UPDATE
            SET counter = EXCLUDED.counter WHERE packet_counters.counter <= EXCLUDED.counter RETURNING card)
        SELECT EXISTS (SELECT FROM raised) AS raised, last::float8 AS last FROM known`.execute(this.#database);
      return rows[0];
    });
  }

  /**
   * The packet has its counter, number, security parameters and messages from now on. False when it has them already,
   * or has ended.
   */
  async wrapped(
    id: string,
    {
      counter,
      msisdn,
      spi,
      userDatas,
    }: { counter: number; msisdn: string; spi: Uint8Array; userDatas: readonly Uint8Array[] },
  ): Promise<boolean> {
    return this.#transaction(async (transaction) => {
      const { rows } = await sql`UPDATE sms_packets SET counter = ${counter}, msisdn = ${msisdn}, spi = ${spi}
        WHERE id = ${id} AND state = 'queued' AND counter IS NULL RETURNING id`.execute(transaction);
      if (rows.length === 0) return false;
      for (const [index, userData] of userDatas.entries())
        await sql`INSERT INTO sms_messages (packet_id, sequence, user_data, state)
          VALUES (${id}, ${index + 1}, ${userData}, 'queued')`.execute(transaction);
      return true;
    });
  }

  async messages(id: string): Promise<readonly MessageRow[]> {
    return guarded(async () => {
      const { rows } = await sql<MessageRow>`SELECT sequence, user_data AS "userData", state FROM sms_messages
        WHERE packet_id = ${id} ORDER BY sequence`.execute(this.#database);
      return rows;
    });
  }

  /**
   * Parts that its sending has still to bring. When there are none the next sending begins: with what is not known to
   * have come, else with all of it. So one that breaks off goes on behind the part at which it broke.
   */
  async toSend(id: string): Promise<readonly MessageRow[]> {
    return this.#transaction(async (transaction) => {
      const of = sql`packet_id = ${id}`;
      await sql`UPDATE sms_messages SET state = 'queued' WHERE ${of}
        AND NOT EXISTS (SELECT FROM sms_messages WHERE ${of} AND state = 'queued')
        AND (state = 'sent' OR NOT EXISTS (SELECT FROM sms_messages WHERE ${of} AND state = 'sent'))`.execute(
        transaction,
      );
      const { rows } = await sql<MessageRow>`SELECT sequence, user_data AS "userData", state FROM sms_messages
        WHERE ${of} AND state = 'queued' ORDER BY sequence`.execute(transaction);
      return rows;
    });
  }

  /** A part of it may leave from now on. False when it has ended. */
  async leaves(id: string): Promise<boolean> {
    return guarded(async () => {
      // Whoever waits for its beginning is told.
      const { rows } = await sql`WITH changed AS (UPDATE sms_packets SET state = 'sent' WHERE id = ${id}
          AND state IN ('queued', 'sent') RETURNING id)
        SELECT pg_notify(${BELL_CHANNEL}, 'packet ' || id) FROM changed`.execute(this.#database);
      return rows.length > 0;
    });
  }

  /** Nothing of it left after all. */
  async stays(id: string): Promise<void> {
    await this.#plain(sql`UPDATE sms_packets SET state = 'queued' WHERE id = ${id} AND state = 'sent'
      AND claimed_by = ${this.#node}
      AND NOT EXISTS (SELECT 1 FROM sms_messages WHERE packet_id = ${id} AND state <> 'queued')`);
  }

  /** It is looked after again at `nextAt`, unless another node has it by now. */
  async later(id: string, nextAt: Date): Promise<void> {
    await this.#change(sql`UPDATE sms_packets SET next_at = ${unlessTaken(nextAt)}, claimed_until = NULL
      WHERE id = ${id} AND state IN ('queued', 'sent') AND claimed_by = ${this.#node}`);
  }

  /**
   * Every part has left once more, as far as the SMSC says, or may have where it says nothing: the packet goes again at
   * `nextAt`, if it must.
   */
  async sendingOver(id: string, nextAt: Date): Promise<void> {
    await this.#change(sql`UPDATE sms_packets
      SET sendings = sendings + 1, next_at = ${unlessTaken(nextAt)}, claimed_until = NULL
      WHERE id = ${id} AND state = 'sent' AND claimed_by = ${this.#node}`);
  }

  /** The SMSC has this part under this id, and the others leave the packet alone for another while. */
  async partSent(id: string, part: { sequence: number; messageId: string; until: Date }): Promise<void> {
    const { sequence, messageId, until } = part;
    await this.#plain(sql`WITH held AS (UPDATE sms_packets SET claimed_until = ${until}
        WHERE id = ${id} AND claimed_by = ${this.#node} AND claimed_until IS NOT NULL)
      UPDATE sms_messages SET state = 'sent', message_id = ${messageId}
      WHERE packet_id = ${id} AND sequence = ${sequence}`);
  }

  /** The SMSC may have this part, under an id that it did not tell: it is not among those that never left. */
  async partMayBeSent(id: string, sequence: number): Promise<void> {
    await this.#plain(sql`UPDATE sms_messages SET state = 'sent'
      WHERE packet_id = ${id} AND sequence = ${sequence} AND state = 'queued'`);
  }

  /** Of a campaign, by their ids, after this one. */
  async ofCampaign(
    campaign: string,
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Promise<readonly PacketRow[]> {
    return this.#rows(sql`SELECT ${COLUMNS} FROM sms_packets WHERE campaign = ${campaign} AND id > ${after}
      ORDER BY id LIMIT ${limit}`);
  }

  /**
   * A receipt: the part has come to the handset, or never will under this id. It counts for messages to the number that
   * it is about: an SMSC that restarts may give an id twice. False when no message ever had it.
   *
   * @param messageIds the id as the receipt has it, then its other forms, which count where no message has the first
   */
  async partReported(messageIds: readonly string[], msisdn: string, delivered: boolean): Promise<boolean> {
    return guarded(async () => {
      const { rows } = await sql`WITH about AS (
          SELECT packet_id, sequence, message_id, m.state <> 'delivered' AND p.state = 'sent' AS open
          FROM sms_messages m JOIN sms_packets p ON p.id = m.packet_id
          WHERE message_id = ANY(${[...messageIds]}) AND msisdn = ${msisdn}),
        meant AS (SELECT * FROM about WHERE message_id = ${messageIds[0] ?? ''}
          OR NOT EXISTS (SELECT FROM about WHERE message_id = ${messageIds[0] ?? ''})),
        changed AS (UPDATE sms_messages SET state = ${delivered ? 'delivered' : 'queued'} FROM meant
          WHERE meant.open AND sms_messages.packet_id = meant.packet_id AND sms_messages.sequence = meant.sequence)
        SELECT packet_id FROM about LIMIT 1`.execute(this.#database);
      return rows.length > 0;
    });
  }

  /**
   * The card has taken this packet, as its proved `status` says: it is not sent again, and waited for.
   *
   * @param until how long at most; what the card said before is not waited for any longer
   * @param follows the card has said that its answer follows: that stands, whatever it said before or says of a copy
   */
  async taken(
    id: string,
    { status, until, follows }: { readonly status: number; readonly until: Date; readonly follows: boolean },
  ): Promise<void> {
    await this.#change(sql`UPDATE sms_packets SET status = ${status}, next_at = expires_at,
      expires_at = least(expires_at, ${until}) WHERE id = ${id} AND state = 'sent' AND (${follows} OR status IS NULL)`);
  }

  /** What the answer came in. */
  async received(id: string, messages: number, bytes: number): Promise<void> {
    await this.#plain(sql`UPDATE sms_packets SET messages_in = messages_in + ${messages}, bytes_in = bytes_in + ${bytes}
      WHERE id = ${id}`);
  }

  /** The card's answer; only the first one counts, and the first with a proof for one that was lost without. */
  async answered(id: string, { state, status, response, authenticated }: PacketAnswer): Promise<boolean> {
    const rows = await this.#ended(sql`UPDATE sms_packets SET state = ${state}, status = ${status}, data = NULL,
      response = ${response}, authenticated = ${authenticated}
      WHERE id = ${id} AND (state = 'sent' OR ${authenticated} AND ${MAY_BE_LATE})`);
    return rows > 0;
  }

  /** It ends unsent, unless a part of it may have left. @returns whether it did */
  async withdraw(id: string): Promise<boolean> {
    const rows = await this.#ended(sql`UPDATE sms_packets SET state = 'withdrawn', data = NULL
      WHERE id = ${id} AND state = 'queued'`);
    return rows > 0;
  }

  /** Nobody waits for it any more: what has not left never will, what has is lost. */
  async giveUp(id: string): Promise<void> {
    await this.#giveUp(sql`id = ${id}`);
  }

  /** The same for what the sessions of this card at one reader have, up to this fence: another reader has its own. */
  async giveUpSession(card: string, { terminalId, readerName, fence }: PacketSession): Promise<void> {
    await this.#giveUp(sql`card = ${card} AND fence <= ${fence}
      AND COALESCE(terminal_id, ${terminalId}) = ${terminalId}
      AND COALESCE(reader_name, ${readerName}) = ${readerName}`);
  }

  async #giveUp(which: RawBuilder<unknown>): Promise<void> {
    await this.#ended(sql`UPDATE sms_packets SET data = NULL,
      state = CASE WHEN state = 'sent' THEN 'lost' ELSE 'withdrawn' END
      WHERE ${which} AND state IN ('queued', 'sent')`);
  }

  /** Ends those whose time is over. @returns how many */
  async expire(now: Date): Promise<number> {
    return this.#ended(sql`UPDATE sms_packets SET data = NULL,
      state = CASE WHEN state = 'sent' THEN 'lost' ELSE 'expired' END
      WHERE state IN ('queued', 'sent') AND expires_at <= ${now}`);
  }

  /** Stores a part of a long answer, of 64 that one number may have begun. @returns all parts when none is missing */
  async answerPart(
    msisdn: string,
    part: {
      readonly reference: string;
      readonly sequence: number;
      readonly total: number;
      readonly userData: Uint8Array;
    },
    now: Date,
  ): Promise<readonly Uint8Array[] | undefined> {
    const { reference, sequence, total, userData } = part;
    const place = sql`msisdn = ${msisdn} AND reference = ${reference}`;
    return this.#transaction(async (transaction) => {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`answer of ${msisdn}`}, 0))`.execute(transaction);
      // A part that contradicts those before begins an answer anew: references come round.
      await sql`DELETE FROM sms_answer_parts WHERE ${place} AND (total <> ${total}
        OR sequence = ${sequence} AND user_data <> ${userData})`.execute(transaction);
      await sql`INSERT INTO sms_answer_parts (msisdn, reference, sequence, total, user_data, at)
        VALUES (${msisdn}, ${reference}, ${sequence}, ${total}, ${userData}, ${now}) ON CONFLICT DO NOTHING`.execute(
        transaction,
      );
      await sql`DELETE FROM sms_answer_parts WHERE msisdn = ${msisdn} AND reference NOT IN (SELECT reference
        FROM sms_answer_parts WHERE msisdn = ${msisdn} GROUP BY reference
        ORDER BY reference = ${reference} DESC, max(at) DESC LIMIT ${MOST_ANSWERS})`.execute(transaction);
      const { rows } = await sql<{ userData: Uint8Array }>`SELECT user_data AS "userData" FROM sms_answer_parts
        WHERE ${place} ORDER BY sequence`.execute(transaction);
      return rows.length < total ? undefined : rows.map((row) => row.userData);
    });
  }

  /** The answer of these parts is taken. */
  async forgetParts(msisdn: string, reference: string): Promise<void> {
    await this.#plain(sql`DELETE FROM sms_answer_parts WHERE msisdn = ${msisdn} AND reference = ${reference}`);
  }

  /** Forgets what ended long ago, and parts whose others never came. */
  async prune(now: Date): Promise<void> {
    const [day, month] = [1, 31].map((days) => new Date(now.getTime() - days * 86_400_000));
    await this.#plain(sql`DELETE FROM sms_packets WHERE state NOT IN ('queued', 'sent') AND expires_at < ${month}`);
    await this.#plain(sql`DELETE FROM sms_answer_parts WHERE at < ${day}`);
  }

  /** A change after which somebody may have to send. */
  async #change(statement: RawBuilder<unknown>): Promise<void> {
    await this.#plain(sql`WITH changed AS (${statement} RETURNING id)
      SELECT pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL}) FROM (SELECT 1 FROM changed LIMIT 1) one`);
  }

  /** A change that ends packets: whoever waits for them is told, and the next of their cards may go. */
  async #ended(statement: RawBuilder<unknown>): Promise<number> {
    return guarded(async () => {
      const { rows } = await sql`WITH changed AS (${statement} RETURNING id)
        SELECT pg_notify(${BELL_CHANNEL}, 'packet ' || id), pg_notify(${BELL_CHANNEL}, ${OUTBOX_BELL})
        FROM changed`.execute(this.#database);
      return rows.length;
    });
  }

  async #plain(statement: RawBuilder<unknown>): Promise<void> {
    await guarded(() => statement.execute(this.#database));
  }

  async #rows(statement: RawBuilder<PacketRow>): Promise<readonly PacketRow[]> {
    return guarded(async () => (await statement.execute(this.#database)).rows);
  }

  #transaction<T>(work: (transaction: Transaction<unknown>) => Promise<T>): Promise<T> {
    return guarded(() => this.#database.transaction().execute(work));
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}
