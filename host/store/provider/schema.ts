import { AUDIT_LOG_SQL, type AuditTables } from '../audit-log.ts';
import { AUTHENTICATION_FAILURES_SQL, type AuthenticationFailureTables } from '../authentication-failures.ts';
import { CERTIFICATES_SQL, type CertificateTables } from '../certificates.ts';
import type { Migration } from '../database.ts';
import { flowsViewSql } from '../flows.ts';
import { REQUEST_LOG_SQL, type RequestTables } from '../request-log.ts';
import { STEP_LOG_SQL, type StepTables } from '../step-log.ts';
import { WORKFLOWS_SQL, type WorkflowTables } from '../workflows.ts';

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
}

interface KeyDistributionTable {
  id: string;
  terminal_id: string;
  reader_name: string;
  key_size_bits: number;
  state: 'running' | 'done' | 'failed';
  card: string | null;
  result: string | null;
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

export interface ProviderTables
  extends RequestTables,
    StepTables,
    AuthenticationFailureTables,
    AuditTables,
    CertificateTables,
    WorkflowTables {
  security_domains: SecurityDomainTable;
  key_distributions: KeyDistributionTable;
  card_relays: CardRelayTable;
}

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
];
