import { AUDIT_LOG_SQL, type AuditTables } from '../audit-log.ts';
import { AUTHENTICATION_FAILURES_SQL, type AuthenticationFailureTables } from '../authentication-failures.ts';
import { CERTIFICATES_SQL, type CertificateTables } from '../certificates.ts';
import type { Migration } from '../database.ts';
import { flowsViewSql } from '../flows.ts';
import { REQUEST_LOG_SQL, type RequestTables } from '../request-log.ts';
import { STEP_LOG_SQL, type StepTables } from '../step-log.ts';
import { WORKFLOWS_SQL, type WorkflowTables } from '../workflows.ts';

/** The issuer platform's database. */

interface ProviderTable {
  provider_id: string;
  base_url: string;
  permissions: string[];
}

interface CardTable {
  card: string;
  isd_aid: string;
  isd_key_reference: string;
  isd_modulus: string;
  isd_exponent: string;
  casd_aid: string | null;
}

interface ApplicationTable {
  card: string;
  aid: string;
  provider_id: string;
  state: 'creating' | 'created';
  workflow_id: string;
}

interface SecurityDomainRequestTable {
  request_id: string;
  provider_id: string;
  state: 'running' | 'done' | 'failed';
  report: string | null;
  problem: string | null;
}

/** Which AIDs a provider's security domains may have. */
interface ProviderAidTable {
  aid: string;
  provider_id: string;
}

export interface IssuerTables
  extends RequestTables,
    StepTables,
    AuthenticationFailureTables,
    AuditTables,
    CertificateTables,
    WorkflowTables {
  providers: ProviderTable;
  cards: CardTable;
  applications: ApplicationTable;
  security_domain_requests: SecurityDomainRequestTable;
  provider_aids: ProviderAidTable;
}

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
    sql: `ALTER TABLE security_domain_requests ADD COLUMN at timestamptz NOT NULL DEFAULT now();${WORKFLOWS_SQL}${FLOWS_SQL}`,
  },
  {
    number: 3,
    name: 'AIDs of providers',
    sql: 'CREATE TABLE provider_aids (aid text PRIMARY KEY, provider_id text NOT NULL REFERENCES providers);',
  },
];
