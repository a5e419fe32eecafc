// SPDX-License-Identifier: Apache-2.0
import type { ColumnType, Generated } from 'kysely';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import type { IsdKeySet } from '../../wire/message/operator.ts';
import type { ProductState } from '../../wire/message/platform.ts';
import type { SecureElementState } from '../../wire/message/secure-elements.ts';
import { AUDIT_LOG_SQL, AUDIT_RETENTION_SQL, type AuditTables } from '../audit-log.ts';
import { AUTHENTICATION_FAILURES_SQL, type AuthenticationFailureTables } from '../authentication-failures.ts';
import { CERTIFICATES_SQL, type CertificateTables } from '../certificates.ts';
import type { Migration } from '../database.ts';
import { flowsViewSql } from '../flows.ts';
import { REQUEST_LOG_SQL, type RequestTables } from '../request-log.ts';
import { STEP_BEARER_SQL, STEP_LOG_SQL, type StepTables } from '../step-log.ts';
import { WORKFLOW_TRACE_SQL, WORKFLOWS_SQL, type WorkflowTables } from '../workflows.ts';
import { PLAIN_ICCIDS_SQL } from './plain-iccids.ts';
import { SECURE_ELEMENTS_SQL, type SecureElementTables } from './secure-element-schema.ts';
import {
  SECURITY_DOMAIN_RESOURCES_SQL,
  SECURITY_DOMAIN_WAYS_SQL,
  type SecurityDomainResourceTables,
} from './security-domain-resources.ts';
import { SEEN_REGISTRY_SQL, type SeenTables } from './seen-registry.ts';

/** The issuer platform's database. */

interface ProviderTable {
  provider_id: string;
  base_url: string;
  permissions: string[];
}

interface CardTable {
  card: string;
  isd_aid: string;
  isd_key_reference: string | null;
  isd_modulus: string | null;
  isd_exponent: string | null;
  isd_key_set: ColumnType<IsdKeySet | null, string | null, string | null>;
  casd_aid: string | null;
  state: Generated<SecureElementState>;
  changed_at: ColumnType<Date, never, Date>;
  model_id: ColumnType<string | null, never, never>;
  batch_id: ColumnType<string | null, never, never>;
  replaced_by: ColumnType<string | null, never, string>;
}

interface ApplicationTable {
  card: string;
  aid: string;
  provider_id: string;
  /**
   * `creating`: its name is asked for; `installing`: INSTALL has left for it, after the card has shown that there
   * was no such instance; `created`: the card has it.
   */
  state: 'creating' | 'installing' | 'created';
  workflow_id: string;
  /** Null: a security domain, or put there by a release before this one. */
  product_id: string | null;
  load_file_aid: string | null;
  /** SHA-256 of the load file data block; null: not known. */
  load_file_hash: string | null;
  /** Load files that came with it; null: none that the issuer knows. */
  libraries: ColumnType<NamedLoadFile[] | null, string | null, string | null>;
  /** In the order of the tokens' numbers: tokens of before move nothing here. */
  since: Generated<string>;
}

interface NamedLoadFile {
  readonly aid: string;
  readonly hash?: string | undefined;
}

/** Load files that came by the issuer or its tokens. */
interface LoadFileTable {
  card: string;
  aid: string;
  provider_id: string;
  /** SHA-256 of the load file data block; null: brought by a release that did not note it. */
  hash: string | null;
  /**
   * `loading`: a token for it was given; `sent`: LOAD has left, after the card has taken INSTALL [for load];
   * `loaded`: the card has taken it; `released`: it was there, and may be gone; `unsure`: one of this name may be
   * another file until the card has taken this one.
   */
  state: 'loading' | 'sent' | 'loaded' | 'released' | 'unsure';
  /** As of an application. */
  since: Generated<string>;
}

interface SecurityDomainRequestTable {
  request_id: string;
  provider_id: string;
  state: 'running' | 'done' | 'failed';
  report: string | null;
  problem: string | null;
  /** Key blocks for the owner, until they are handed over. */
  key_blob: string | null;
}

/** Whose turn it is to change a card's content through the issuer. */
interface ContentTurnTable {
  card: string;
  /** Grows with each turn: what was begun in one before decides nothing. */
  number: string;
  workflow_id: string;
  provider_id: string;
  until: ColumnType<Date, never, never>;
  /** Who waits, as long as it asks. */
  next_provider_id: string | null;
  next_until: ColumnType<Date | null, never, never>;
}

/** Which AIDs a provider's security domains may have. */
interface ProviderAidTable {
  aid: string;
  provider_id: string;
}

interface ProductTable {
  product_id: string;
  provider_id: string;
}

interface CardProductTable {
  card: string;
  product_id: string;
  state: ProductState;
  attributes: ColumnType<Record<string, string>, never, string>;
  attributes_version: Generated<number>;
}

interface ApplicationRequestTable {
  request_id: string;
  provider_id: string;
  state: 'running' | 'done' | 'failed';
  problem: string | null;
  /** Something was sent to the card that changes it; default true. */
  touched: Generated<boolean>;
}

/** Domains with Delegated Management, and what tokens for them name. */
interface DelegatedDomainTable {
  card: string;
  aid: string;
  provider_id: string;
  application_provider_id: string;
  iin: string;
  cin: string;
}

interface ContentTokenTable {
  token_id: string;
  number: Generated<string>;
  card: string;
  aid: string;
  provider_id: string;
  act: ColumnType<DelegatedAct, string, never>;
  state: 'issued' | 'confirmed' | 'unproved';
  counter: number | null;
  confirmation: string | null;
  at: Generated<Date>;
  leaving: string | null;
  /** The card takes it no more: an operator says that its token key is another one. */
  ended_at: Date | null;
}

interface LoadPermitTable {
  permit_id: string;
  card: string;
  product_id: string;
  expires_at: ColumnType<Date, Date, Date>;
}

interface LossReportTable {
  id: string;
  card: string;
  reason: string;
  reported_by: string;
  state: 'open' | 'closed';
  /** Whatever is on the card, also what comes onto it later. */
  all_products: boolean;
}

interface LossReportProductTable {
  report_id: string;
  product_id: string;
}

interface OutboxTable {
  event_id: Generated<string>;
  provider_id: string;
  card: string;
  sequence: number;
  product_id: string;
  from_state: ProductState;
  to_state: ProductState;
  delivered_at: Date | null;
  attempts: Generated<number>;
  next_at: Generated<Date>;
}

export interface IssuerTables
  extends RequestTables,
    StepTables,
    AuthenticationFailureTables,
    AuditTables,
    CertificateTables,
    SecureElementTables,
    SeenTables,
    SecurityDomainResourceTables,
    WorkflowTables {
  providers: ProviderTable;
  cards: CardTable;
  applications: ApplicationTable;
  load_files: LoadFileTable;
  content_turns: ContentTurnTable;
  security_domain_requests: SecurityDomainRequestTable;
  provider_aids: ProviderAidTable;
  products: ProductTable;
  card_products: CardProductTable;
  application_requests: ApplicationRequestTable;
  delegated_domains: DelegatedDomainTable;
  content_tokens: ContentTokenTable;
  load_permits: LoadPermitTable;
  loss_reports: LossReportTable;
  loss_report_products: LossReportProductTable;
  outbox: OutboxTable;
}

/** What is known of load files from before they had rows: by tokens with their hash, and by what is made of them. */
const LOAD_FILES_SQL = `
  CREATE TABLE load_files (
    card text NOT NULL REFERENCES cards, aid text NOT NULL, provider_id text NOT NULL, hash text,
    state text NOT NULL CHECK (state IN ('loading', 'loaded', 'released', 'unsure')), PRIMARY KEY (card, aid)
  );
  INSERT INTO load_files (card, aid, provider_id, hash, state)
    SELECT DISTINCT ON (t.card, t.act->>'loadFileAid') t.card, t.act->>'loadFileAid', t.provider_id, t.act->>'hash',
      CASE t.state WHEN 'confirmed' THEN 'loaded' ELSE 'unsure' END
    FROM content_tokens t JOIN cards USING (card)
    WHERE t.act->>'act' = 'load' AND NOT EXISTS (
      SELECT 1 FROM content_tokens d
      WHERE d.card = t.card AND d.act->>'act' = 'delete' AND d.act->>'aid' = t.act->>'loadFileAid'
        AND d.state = 'confirmed'
        AND CASE WHEN t.counter IS NULL THEN d.number > t.number ELSE d.counter > t.counter END
    )
    ORDER BY t.card, t.act->>'loadFileAid', t.counter DESC NULLS LAST, t.number DESC;
  INSERT INTO load_files (card, aid, provider_id, hash, state)
    SELECT DISTINCT ON (card, load_file_aid) card, load_file_aid, provider_id, load_file_hash, 'loaded'
    FROM applications WHERE load_file_aid IS NOT NULL
    ORDER BY card, load_file_aid, load_file_hash NULLS LAST
    ON CONFLICT DO NOTHING;
  INSERT INTO load_files (card, aid, provider_id, hash, state)
    SELECT DISTINCT ON (card, l->>'aid') card, l->>'aid', provider_id, l->>'hash', 'loaded'
    FROM applications, jsonb_array_elements(libraries) l
    ORDER BY card, l->>'aid', l->>'hash' NULLS LAST
    ON CONFLICT DO NOTHING;
  UPDATE applications a SET load_file_hash = f.hash FROM load_files f
    WHERE f.card = a.card AND f.aid = a.load_file_aid AND f.provider_id = a.provider_id AND a.load_file_hash IS NULL;
`;

const PRODUCTS_SQL = `
  CREATE TABLE products (product_id text PRIMARY KEY, provider_id text NOT NULL REFERENCES providers);
  CREATE TABLE card_products (
    card text NOT NULL REFERENCES cards, product_id text NOT NULL REFERENCES products,
    state text NOT NULL CHECK (state IN ('VALID', 'SUSPENDED', 'INVALID', 'TERMINATED')), PRIMARY KEY (card, product_id)
  );
  CREATE TABLE application_requests (
    request_id text PRIMARY KEY, provider_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')), problem jsonb,
    at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE load_permits (
    permit_id text PRIMARY KEY, card text NOT NULL, product_id text NOT NULL, expires_at timestamptz NOT NULL
  );
  CREATE INDEX load_permits_by_card ON load_permits (card);
  CREATE TABLE loss_reports (
    id text PRIMARY KEY, card text NOT NULL REFERENCES cards, reason text NOT NULL, reported_by text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')), at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX loss_reports_by_card ON loss_reports (card) WHERE state = 'open';
  CREATE TABLE loss_report_products (
    report_id text NOT NULL REFERENCES loss_reports, product_id text NOT NULL, PRIMARY KEY (report_id, product_id)
  );
  CREATE TABLE outbox (
    event_id bigserial PRIMARY KEY, provider_id text NOT NULL, card text NOT NULL, sequence integer NOT NULL,
    product_id text NOT NULL, from_state text NOT NULL, to_state text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz, attempts integer NOT NULL DEFAULT 0, next_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider_id, card, sequence)
  );
  CREATE INDEX outbox_waiting ON outbox (provider_id, next_at) WHERE delivered_at IS NULL;
  DROP VIEW flows;
`;
const PRODUCT_FLOWS_SQL = flowsViewSql(`
  SELECT request_id AS id, state AS row_state, problem FROM security_domain_requests
  UNION ALL SELECT request_id, state, problem FROM application_requests`);

const FLOWS_SQL = flowsViewSql('SELECT request_id AS id, state AS row_state, problem FROM security_domain_requests');

export const ISSUER_MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'key distribution',
    sql: `
      CREATE TABLE providers (provider_id text PRIMARY KEY, base_url text NOT NULL, permissions text[] NOT NULL);
      CREATE TABLE cards (
        card text PRIMARY KEY, isd_aid text NOT NULL, isd_key_reference text NOT NULL,
        isd_modulus text NOT NULL, isd_exponent text NOT NULL, casd_aid text
      );
      CREATE TABLE applications (
        card text NOT NULL REFERENCES cards, aid text NOT NULL, provider_id text NOT NULL,
        state text NOT NULL CHECK (state IN ('creating', 'created')), workflow_id text NOT NULL,
        PRIMARY KEY (card, aid)
      );
      CREATE TABLE security_domain_requests (
        request_id text PRIMARY KEY, provider_id text NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'done', 'failed')), report jsonb, problem jsonb
      );
      ${CERTIFICATES_SQL}${REQUEST_LOG_SQL}${STEP_LOG_SQL}${AUTHENTICATION_FAILURES_SQL}${AUDIT_LOG_SQL}
    `,
  },
  {
    number: 2,
    name: 'workflows',
    sql: `ALTER TABLE security_domain_requests ADD COLUMN at timestamptz NOT NULL DEFAULT now();
      ${WORKFLOWS_SQL}${FLOWS_SQL}`,
  },
  {
    number: 3,
    name: 'AIDs of providers',
    sql: 'CREATE TABLE provider_aids (aid text PRIMARY KEY, provider_id text NOT NULL REFERENCES providers);',
  },
  { number: 4, name: 'products', sql: `${PRODUCTS_SQL}${PRODUCT_FLOWS_SQL}` },
  {
    number: 5,
    name: 'cards with symmetric issuer domains',
    sql: `
      ALTER TABLE cards ADD COLUMN isd_key_set jsonb, ALTER COLUMN isd_key_reference DROP NOT NULL,
        ALTER COLUMN isd_modulus DROP NOT NULL, ALTER COLUMN isd_exponent DROP NOT NULL;
    `,
  },
  { number: 6, name: 'traces', sql: WORKFLOW_TRACE_SQL },
  { number: 7, name: 'retention', sql: AUDIT_RETENTION_SQL },
  { number: 8, name: 'secure elements and batches', sql: SECURE_ELEMENTS_SQL },
  {
    number: 9,
    name: 'delegated management',
    sql: `
      CREATE TABLE delegated_domains (
        card text NOT NULL REFERENCES cards, aid text NOT NULL, provider_id text NOT NULL,
        application_provider_id text NOT NULL, iin text NOT NULL, cin text NOT NULL, PRIMARY KEY (card, aid)
      );
      CREATE TABLE content_tokens (
        token_id text PRIMARY KEY, number bigserial UNIQUE, card text NOT NULL, aid text NOT NULL,
        provider_id text NOT NULL, act jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('issued', 'confirmed', 'unproved')), counter integer, confirmation text,
        at timestamptz NOT NULL DEFAULT now(), CHECK ((state = 'confirmed') = (counter IS NOT NULL)),
        UNIQUE (card, counter)
      );
      CREATE INDEX content_tokens_by_card ON content_tokens (card);
    `,
  },
  { number: 10, name: 'bearers of steps', sql: STEP_BEARER_SQL },
  { number: 11, name: 'registries as last seen', sql: SEEN_REGISTRY_SQL },
  { number: 12, name: 'products of tokens', sql: 'ALTER TABLE content_tokens ADD COLUMN leaving text;' },
  { number: 13, name: 'security domains as resources', sql: SECURITY_DOMAIN_RESOURCES_SQL },
  {
    number: 14,
    name: 'first changes of cards',
    sql: 'CREATE INDEX outbox_first ON outbox (provider_id, card, sequence) WHERE delivered_at IS NULL;',
  },
  { number: 15, name: 'ways to security domains', sql: SECURITY_DOMAIN_WAYS_SQL },
  { number: 16, name: 'initial keys', sql: 'ALTER TABLE security_domain_requests ADD COLUMN key_blob jsonb;' },
  {
    number: 17,
    name: 'reports of whole cards',
    // A node of the release before says nothing of it: the stricter meaning.
    sql: 'ALTER TABLE loss_reports ADD COLUMN all_products boolean NOT NULL DEFAULT true;',
  },
  {
    number: 18,
    name: 'products of applications',
    sql: `ALTER TABLE applications ADD COLUMN product_id text, ADD COLUMN load_file_aid text,
      ADD COLUMN load_file_hash text;`,
  },
  { number: 19, name: 'libraries of applications', sql: 'ALTER TABLE applications ADD COLUMN libraries jsonb;' },
  { number: 20, name: 'ICCIDs without filler', sql: PLAIN_ICCIDS_SQL },
  { number: 21, name: 'load files', sql: LOAD_FILES_SQL },
  {
    number: 22,
    name: 'tokens by what they name',
    sql: `ALTER TABLE content_tokens ADD COLUMN ended_at timestamptz;
      CREATE INDEX content_tokens_load ON content_tokens (card, (act->>'loadFileAid')) WHERE act->>'act' = 'load';
      CREATE INDEX content_tokens_delete ON content_tokens (card, (act->>'aid'))
        WHERE act->>'act' = 'delete' AND state <> 'confirmed';
      CREATE INDEX content_tokens_open ON content_tokens (card, provider_id)
        WHERE state <> 'confirmed' AND ended_at IS NULL;`,
  },
  {
    number: 23,
    name: 'requests that touched their card',
    // Of those that are there already, and of what a node of the release before adds, nobody knows.
    sql: 'ALTER TABLE application_requests ADD COLUMN touched boolean NOT NULL DEFAULT true;',
  },
  {
    number: 24,
    name: 'order of names and tokens',
    // A receipt of before moves no row that was there already.
    sql: `ALTER TABLE applications ADD COLUMN since bigint NOT NULL DEFAULT nextval('content_tokens_number_seq');
      ALTER TABLE load_files ADD COLUMN since bigint NOT NULL DEFAULT nextval('content_tokens_number_seq');
      UPDATE load_files f SET state = 'released' WHERE state = 'loaded' AND EXISTS (
        SELECT 1 FROM content_tokens d
        WHERE d.card = f.card AND d.act->>'act' = 'delete' AND d.act->>'aid' = f.aid AND d.state <> 'confirmed'
          AND d.provider_id = f.provider_id AND NOT EXISTS (
            SELECT 1 FROM content_tokens l WHERE l.card = f.card AND l.provider_id = f.provider_id
              AND l.act->>'act' = 'load' AND l.act->>'loadFileAid' = f.aid AND l.state = 'confirmed'
              AND l.number > d.number
              AND (d.ended_at IS NOT NULL OR NOT EXISTS (
                SELECT 1 FROM content_tokens o WHERE o.card = f.card AND o.provider_id <> f.provider_id
                  AND o.act->>'act' = 'load' AND o.act->>'loadFileAid' = f.aid
                  AND o.act->>'hash' IS DISTINCT FROM f.hash))));`,
  },
  {
    number: 25,
    name: 'turns of content',
    sql: `CREATE TABLE content_turns (
        card text PRIMARY KEY REFERENCES cards, number bigint NOT NULL, workflow_id text NOT NULL,
        provider_id text NOT NULL, until timestamptz NOT NULL, next_provider_id text, next_until timestamptz);
      ALTER TABLE applications DROP CONSTRAINT applications_state_check,
        ADD CHECK (state IN ('creating', 'installing', 'created'));
      ALTER TABLE load_files DROP CONSTRAINT load_files_state_check,
        ADD CHECK (state IN ('loading', 'sent', 'loaded', 'released', 'unsure'));`,
  },
];
