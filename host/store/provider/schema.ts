// SPDX-License-Identifier: Apache-2.0
import type { ColumnType, Generated } from 'kysely';
import type { ProductState } from '../../wire/message/platform.ts';
import { AUDIT_LOG_SQL, AUDIT_RETENTION_SQL, type AuditTables } from '../audit-log.ts';
import { AUTHENTICATION_FAILURES_SQL, type AuthenticationFailureTables } from '../authentication-failures.ts';
import { CERTIFICATES_SQL, type CertificateTables } from '../certificates.ts';
import type { Migration } from '../database.ts';
import { flowsViewSql } from '../flows.ts';
import { REQUEST_LOG_SQL, type RequestTables } from '../request-log.ts';
import { STEP_BEARER_SQL, STEP_LOG_SQL, type StepTables } from '../step-log.ts';
import { WORKFLOW_TRACE_SQL, WORKFLOWS_SQL, type WorkflowTables } from '../workflows.ts';
import {
  CARD_LOCK_REFUSALS_SQL,
  CARD_LOCK_REST_SQL,
  CARD_LOCKS_SQL,
  CARD_LOCKS_UNSURE_SQL,
  type CardLockTables,
} from './card-lock-table.ts';
import { PLAIN_ICCIDS_SQL } from './plain-iccids.ts';
import { PURSE_MOVES_ENDED_SQL, PURSE_MOVES_SQL, type PurseMoveTables } from './purse-move-table.ts';
import {
  RENEWAL_ATTEMPTS_SQL,
  RENEWAL_CLEARING_SQL,
  RENEWAL_CLEARING_TIME_SQL,
  RENEWALS_SQL,
  type RenewalTables,
} from './renewal-table.ts';
import { type ScriptTables, SERVICE_SCRIPTS_SQL } from './service-scripts.ts';
import { APPLICATIONS_BEFORE_SQL, SERVICE_PROCESSES_SQL, type ServiceTables } from './service-tables.ts';
import { SPOS_CONFIGS_SQL, SPOS_NOTICES_SQL, SPOS_OPTIONS_SQL, type SposTables } from './spos-notices.ts';
import { TSMS_SQL, type TsmsTables } from './tsms.ts';

/** The provider platform's database. */

interface SecurityDomainTable {
  card: string;
  ssd_aid: string;
  isd_aid: string;
  state: 'reported' | 'owned' | 'certified';
  key_reference: string;
  modulus: string;
  exponent: string;
  certificate: string | null;
  iin: string | null;
  cin: string | null;
  delegated: Generated<boolean>;
}

interface KeyDistributionTable {
  id: string;
  terminal_id: string;
  reader_name: string;
  key_size_bits: number;
  state: 'running' | 'done' | 'failed';
  card: string | null;
  only_card: string | null;
  result: string | null;
}

interface CardClaimTable {
  card: string;
  workflow_id: string;
}

interface CardRelayTable {
  relay_id: string;
  issuer_id: string;
  terminal_id: string;
  reader_name: string;
  card: string;
  insertion: string;
  open: boolean;
}

interface ServiceInstanceTable {
  instance_id: string;
  product_id: string;
  card: string;
  serial: string;
  state: number;
  product_state: ProductState;
  /** By its provider, whatever the issuer says. */
  suspended: ColumnType<boolean, boolean | undefined, boolean>;
  /** Private attributes, and how often they or the state were changed. */
  attributes: ColumnType<Record<string, string>, string | undefined, string>;
  revision: ColumnType<number, number | undefined, number>;
}

interface StateChangeSequenceTable {
  card: string;
  last: number;
}

/** What was taken under each number, of the last ones. */
interface StateChangeTakenTable {
  card: string;
  sequence: number;
  event_id: string;
}

interface ProductFlowTable {
  id: string;
  kind: 'deployment' | 'top-up' | 'content-change' | 'balance-move';
  state: 'running' | 'done' | 'failed';
  result: string | null;
}

interface LoadTable {
  load_id: Generated<string>;
  top_up_id: string;
  serial: string;
  /** bigint: the driver gives text. */
  amount: ColumnType<string, number, never>;
  balance_before: ColumnType<string, number, never>;
  counter: number;
  terminal: string;
  date_time: string;
  state: 'reserved' | 'done' | 'reversed';
  tac: ColumnType<string | null, string | null | undefined, string | null>;
  at: ColumnType<Date, never, never>;
  settled_at: ColumnType<Date | null, never, Date>;
}

interface PurchaseTable {
  serial: string;
  terminal: string;
  terminal_counter: ColumnType<string, number, never>;
  amount: ColumnType<string, number, never>;
  date_time: string;
  tac: string;
}

interface PurseReadingTable {
  serial: string;
  balance: ColumnType<string, number, number>;
  counter: number;
  at: ColumnType<Date, never, Date>;
}

export interface ProviderTables
  extends RequestTables,
    StepTables,
    AuthenticationFailureTables,
    AuditTables,
    CertificateTables,
    WorkflowTables,
    TsmsTables,
    ServiceTables,
    RenewalTables,
    PurseMoveTables,
    CardLockTables,
    SposTables,
    ScriptTables {
  security_domains: SecurityDomainTable;
  key_distributions: KeyDistributionTable;
  card_claims: CardClaimTable;
  card_relays: CardRelayTable;
  service_instances: ServiceInstanceTable;
  state_change_sequences: StateChangeSequenceTable;
  state_changes_taken: StateChangeTakenTable;
  product_flows: ProductFlowTable;
  loads: LoadTable;
  purse_readings: PurseReadingTable;
  purchases: PurchaseTable;
}

const PRODUCTS_SQL = `
  CREATE TABLE service_instances (
    instance_id text PRIMARY KEY, product_id text NOT NULL, card text NOT NULL, serial text NOT NULL UNIQUE,
    state integer NOT NULL CHECK (state IN (1, 10, 11, 12, 14, 21, 22, 25)),
    product_state text NOT NULL CHECK (product_state IN ('VALID', 'SUSPENDED', 'INVALID', 'TERMINATED')),
    UNIQUE (product_id, card)
  );
  CREATE TABLE state_change_sequences (card text PRIMARY KEY, last integer NOT NULL);
  CREATE TABLE product_flows (
    id text PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('deployment', 'top-up')),
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')), result jsonb,
    at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE loads (
    load_id bigserial PRIMARY KEY, top_up_id text NOT NULL, serial text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0), balance_before bigint NOT NULL, counter integer NOT NULL,
    terminal text NOT NULL, date_time text NOT NULL,
    state text NOT NULL CHECK (state IN ('reserved', 'done', 'reversed')), tac text,
    at timestamptz NOT NULL DEFAULT now(), settled_at timestamptz,
    CHECK ((state = 'reserved') = (settled_at IS NULL))
  );
  CREATE UNIQUE INDEX loads_one_open ON loads (serial) WHERE state = 'reserved';
  CREATE UNIQUE INDEX loads_one_done ON loads (serial, counter) WHERE state = 'done';
  CREATE UNIQUE INDEX loads_one_paid ON loads (top_up_id) WHERE state = 'done';
  CREATE TABLE purse_readings (
    serial text PRIMARY KEY, balance bigint NOT NULL, counter integer NOT NULL, at timestamptz NOT NULL DEFAULT now()
  );
  DROP VIEW flows;
`;
const PRODUCT_FLOWS_SQL = flowsViewSql(`
  SELECT id, state AS row_state, result -> 'problem' AS problem FROM key_distributions
  UNION ALL SELECT id, state, result -> 'problem' FROM product_flows`);

const ALL_FLOWS_SQL = flowsViewSql(`
  SELECT id, state AS row_state, result -> 'problem' AS problem FROM key_distributions
  UNION ALL SELECT id, state, result -> 'problem' FROM product_flows
  UNION ALL SELECT id, state, result -> 'problem' FROM service_processes`);

const FLOWS_SQL = flowsViewSql("SELECT id, state AS row_state, result -> 'problem' AS problem FROM key_distributions");

export const PROVIDER_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'key distribution',
    sql: `
      CREATE TABLE security_domains (
        card text PRIMARY KEY, ssd_aid text NOT NULL, isd_aid text NOT NULL,
        state text NOT NULL CHECK (state IN ('reported', 'owned', 'certified')),
        key_reference text NOT NULL, modulus text NOT NULL, exponent text NOT NULL, certificate text,
        CHECK ((state = 'certified') = (certificate IS NOT NULL))
      );
      CREATE TABLE key_distributions (
        id text PRIMARY KEY, terminal_id text NOT NULL, reader_name text NOT NULL, key_size_bits integer NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'done', 'failed')), card text, result jsonb
      );
      CREATE TABLE card_relays (
        relay_id text PRIMARY KEY, issuer_id text NOT NULL, terminal_id text NOT NULL, reader_name text NOT NULL,
        card text NOT NULL, insertion text NOT NULL, open boolean NOT NULL
      );
      ${CERTIFICATES_SQL}${REQUEST_LOG_SQL}${STEP_LOG_SQL}${AUTHENTICATION_FAILURES_SQL}${AUDIT_LOG_SQL}
    `,
  },
  {
    number: 2,
    name: 'attested card',
    // IIN and CIN that the CASD signed for: the card that a domain of ours is on.
    sql: 'ALTER TABLE security_domains ADD COLUMN iin text, ADD COLUMN cin text;',
  },
  {
    number: 3,
    name: 'workflows',
    sql: `ALTER TABLE key_distributions ADD COLUMN at timestamptz NOT NULL DEFAULT now();${WORKFLOWS_SQL}${FLOWS_SQL}`,
  },
  { number: 4, name: 'products', sql: `${PRODUCTS_SQL}${PRODUCT_FLOWS_SQL}` },
  {
    number: 5,
    name: 'purchases',
    sql: `
      CREATE TABLE purchases (
        serial text NOT NULL, terminal text NOT NULL, terminal_counter bigint NOT NULL, amount bigint NOT NULL,
        date_time text NOT NULL, tac text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (serial, terminal, terminal_counter)
      );`,
  },
  { number: 6, name: 'traces', sql: WORKFLOW_TRACE_SQL },
  { number: 7, name: 'retention', sql: AUDIT_RETENTION_SQL },
  { number: 8, name: 'service providers', sql: TSMS_SQL },
  { number: 9, name: 'service instances', sql: `${SERVICE_PROCESSES_SQL}${ALL_FLOWS_SQL}` },
  { number: 10, name: 'notices to service providers', sql: SPOS_NOTICES_SQL },
  { number: 11, name: 'service scripts', sql: SERVICE_SCRIPTS_SQL },
  {
    number: 12,
    name: 'content changes',
    sql: `
      ALTER TABLE product_flows DROP CONSTRAINT product_flows_kind_check,
        ADD CONSTRAINT product_flows_kind_check CHECK (kind IN ('deployment', 'top-up', 'content-change'));`,
  },
  { number: 13, name: 'bearers of steps', sql: STEP_BEARER_SQL },
  {
    number: 14,
    name: 'delegated domains',
    sql: 'ALTER TABLE security_domains ADD COLUMN delegated boolean NOT NULL DEFAULT false;',
  },
  {
    number: 15,
    name: 'cards in flows',
    sql: 'CREATE TABLE card_claims (card text PRIMARY KEY, workflow_id text NOT NULL);',
  },
  {
    number: 16,
    name: 'changes that were taken',
    sql: `CREATE TABLE state_changes_taken (
      card text NOT NULL, sequence integer NOT NULL, event_id text NOT NULL, PRIMARY KEY (card, sequence));`,
  },
  { number: 17, name: 'wishes of servers', sql: SPOS_OPTIONS_SQL },
  { number: 18, name: 'renewals', sql: RENEWALS_SQL },
  { number: 19, name: 'attempts of renewals', sql: RENEWAL_ATTEMPTS_SQL },
  {
    number: 20,
    name: 'key distributions of one card',
    sql: 'ALTER TABLE key_distributions ADD COLUMN only_card text;',
  },
  { number: 21, name: 'what renewals leave', sql: RENEWAL_CLEARING_SQL },
  { number: 22, name: 'applications before processes', sql: APPLICATIONS_BEFORE_SQL },
  { number: 23, name: 'servers of deleted services', sql: SPOS_CONFIGS_SQL },
  { number: 24, name: 'time of clearings', sql: RENEWAL_CLEARING_TIME_SQL },
  { number: 25, name: 'locks at the next contact', sql: CARD_LOCKS_SQL },
  { number: 26, name: 'ICCIDs without filler', sql: PLAIN_ICCIDS_SQL },
  { number: 27, name: 'locks that broke', sql: CARD_LOCKS_UNSURE_SQL },
  { number: 28, name: 'balances of replaced purses', sql: PURSE_MOVES_SQL },
  { number: 29, name: 'locks that a card refuses', sql: CARD_LOCK_REFUSALS_SQL },
  { number: 30, name: 'balances that were paid out', sql: PURSE_MOVES_ENDED_SQL },
  { number: 31, name: 'rests between locks', sql: CARD_LOCK_REST_SQL },
];
