// SPDX-License-Identifier: Apache-2.0
import type { Migration } from '../database.ts';

/** Tables of the bearer by short message. Times are the caller's, so that a test has a clock of its own. */
export const SMS_MIGRATION: Migration = {
  number: 5,
  name: 'short-messages',
  sql: `
    CREATE TABLE subscriptions (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      card text NOT NULL,
      msisdn text NOT NULL,
      device text,
      since timestamptz NOT NULL,
      until timestamptz
    );
    CREATE UNIQUE INDEX subscriptions_msisdn ON subscriptions (msisdn) WHERE until IS NULL;
    CREATE UNIQUE INDEX subscriptions_card ON subscriptions (card) WHERE until IS NULL;
    CREATE INDEX subscriptions_history ON subscriptions (card, id);
    CREATE TABLE packet_counters (
      card text NOT NULL,
      key_set integer NOT NULL,
      counter bigint NOT NULL,
      PRIMARY KEY (card, key_set)
    );
    CREATE TABLE sms_packets (
      id text PRIMARY KEY,
      card text NOT NULL,
      key_set integer NOT NULL,
      spi bytea NOT NULL,
      tar bytea NOT NULL,
      data bytea,
      priority integer NOT NULL,
      at timestamptz NOT NULL,
      next_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      fence bigint,
      state text NOT NULL,
      msisdn text,
      counter bigint,
      sendings integer NOT NULL DEFAULT 0,
      claimed_by text,
      claimed_until timestamptz,
      status integer,
      response bytea,
      authenticated boolean,
      messages_in integer NOT NULL DEFAULT 0,
      bytes_in integer NOT NULL DEFAULT 0
    );
    CREATE INDEX sms_packets_open ON sms_packets (card) WHERE state IN ('queued', 'sent');
    CREATE TABLE sms_messages (
      packet_id text NOT NULL REFERENCES sms_packets ON DELETE CASCADE,
      sequence integer NOT NULL,
      user_data bytea NOT NULL,
      state text NOT NULL,
      message_id text,
      PRIMARY KEY (packet_id, sequence)
    );
    CREATE INDEX sms_messages_id ON sms_messages (message_id);
    CREATE TABLE sms_answer_parts (
      msisdn text NOT NULL,
      reference text NOT NULL,
      sequence integer NOT NULL,
      total integer NOT NULL,
      user_data bytea NOT NULL,
      at timestamptz NOT NULL,
      PRIMARY KEY (msisdn, reference, sequence)
    );
  `,
};

/** Who may say that a card with this number is in a reader. */
export const TERMINAL_OF_NUMBER_MIGRATION: Migration = {
  number: 7,
  name: 'terminals of numbers',
  sql: 'ALTER TABLE subscriptions ADD COLUMN terminal_id text;',
};

/** An agent that polls an address of its own is looked up by its identity at each POST. */
export const SESSIONS_BY_IDENTITY_MIGRATION: Migration = {
  number: 9,
  name: 'sessions by identity',
  sql: `CREATE INDEX admin_sessions_identity ON admin_sessions (psk_identity, at DESC, fence DESC)
    WHERE state NOT IN ('lost', 'ended');`,
};

/** How messages go to a card, and which other cards it is like. */
export const SENDING_RULES_MIGRATION: Migration = {
  number: 10,
  name: 'sending rules of cards',
  sql: 'ALTER TABLE subscriptions ADD COLUMN card_group text, ADD COLUMN sending jsonb;',
};

/** Which cards have an administration agent of their own. */
export const AGENT_OF_CARD_MIGRATION: Migration = {
  number: 8,
  name: 'agents of cards',
  sql: 'ALTER TABLE subscriptions ADD COLUMN agent text;',
};

/** Which scripts an agent may not be sent twice. */
export const SCRIPTS_SENT_ONCE_MIGRATION: Migration = {
  number: 12,
  name: 'scripts that go once',
  sql: 'ALTER TABLE admin_sessions ADD COLUMN once boolean NOT NULL DEFAULT false;',
};

/** Agents that name themselves otherwise than by their card. */
export const IDENTITY_OF_AGENT_MIGRATION: Migration = {
  number: 13,
  name: 'identities of agents',
  sql: 'ALTER TABLE subscriptions ADD COLUMN psk_identity text;',
};

/** Fencing numbers count for each reader: whose a packet is stands with them. */
export const READER_OF_PACKET_MIGRATION: Migration = {
  number: 14,
  name: 'readers of packets',
  sql: 'ALTER TABLE sms_packets ADD COLUMN terminal_id text, ADD COLUMN reader_name text;',
};

/** Of POSTs that wait together the last one has a connection for sure. */
export const NUMBER_OF_POST_MIGRATION: Migration = {
  number: 15,
  name: 'numbers of posts',
  sql: 'ALTER TABLE admin_sessions ADD COLUMN posts integer NOT NULL DEFAULT 0;',
};

/** What was lost and may be answered late is looked up at each message of its number. */
export const LATE_ANSWERS_MIGRATION: Migration = {
  number: 16,
  name: 'late answers',
  sql: `CREATE INDEX sms_packets_late ON sms_packets (msisdn, counter DESC)
    WHERE state = 'lost' AND fence IS NULL AND authenticated IS NOT TRUE;`,
};
