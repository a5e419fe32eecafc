// SPDX-License-Identifier: Apache-2.0
import type { ColumnType } from 'kysely';
import type { Problem } from '../../wire/message/common.ts';
import type { ProcessOperation, ProcessResult } from '../../wire/message/service-instance.ts';

/** Tables of service instances and processes. */

export const SERVICE_PROCESSES_SQL = `
  ALTER TABLE service_instances ADD COLUMN suspended boolean NOT NULL DEFAULT false,
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}', ADD COLUMN revision integer NOT NULL DEFAULT 1;
  CREATE TABLE service_deployments (
    instance_id text PRIMARY KEY REFERENCES service_instances ON DELETE CASCADE, sp_id uuid NOT NULL,
    service_id uuid NOT NULL, version_tag text NOT NULL, flavor_id uuid NOT NULL, profile_id uuid NOT NULL,
    applications jsonb NOT NULL DEFAULT '[]', activated boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE service_processes (
    id text PRIMARY KEY, instance_id text NOT NULL, sp_id uuid NOT NULL, service_id uuid NOT NULL,
    version_tag text NOT NULL, card text NOT NULL, request jsonb NOT NULL, start_state integer NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')), chip_changed boolean NOT NULL DEFAULT false,
    result jsonb, started_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz
  );
  CREATE UNIQUE INDEX service_processes_one_running ON service_processes (instance_id) WHERE state = 'running';
  CREATE TABLE tsms_card_ranges (
    scp_id uuid NOT NULL REFERENCES tsms_profiles, kind text NOT NULL, first text NOT NULL, last text NOT NULL,
    PRIMARY KEY (kind, first), CHECK (length(first) = length(last) AND first <= last)
  );
  DROP VIEW flows;
`;

/** What was on the card, as far as is known, when a process began; null: nothing that the process changes. */
export const APPLICATIONS_BEFORE_SQL = 'ALTER TABLE service_processes ADD COLUMN applications_before jsonb;';

/** A load file that comes without an application. */
interface PlacedLibrary {
  readonly loadFileAid: string;
  readonly elfId: string;
  readonly uploadDate: string;
}

/** One application as it was put onto the card, or is to be. */
export interface PlacedApplication {
  readonly instanceAid: string;
  readonly moduleAid: string;
  readonly loadFileAid: string;
  /** Entity of the load file, and when it was uploaded: another upload is another file. */
  readonly elfId: string;
  readonly uploadDate: string;
  /** Of its Flavor, before the first application, in the order of loading; absent: none. */
  readonly libraries?: readonly PlacedLibrary[];
  /** Those of earlier versions that are wanted no more, and may be on the card until it goes; absent: none. */
  readonly formerLibraries?: readonly PlacedLibrary[];
  /** Value of C9, hex. */
  readonly parameters: string;
  /** Absent: INSTALL makes it selectable. */
  readonly selectable?: false;
  /** Entity of its personalization script; absent: none. */
  readonly scriptId?: string;
  /** All that the script stores is stored. */
  readonly personalized: boolean;
}

export interface ServiceTables {
  service_deployments: {
    instance_id: string;
    sp_id: string;
    service_id: string;
    version_tag: string;
    flavor_id: string;
    profile_id: string;
    applications: ColumnType<PlacedApplication[], string | undefined, string>;
    activated: ColumnType<boolean, boolean | undefined, boolean>;
    created_at: ColumnType<Date, never, never>;
    /** Once the service is deleted: where its notices go. */
    spos_config_id: ColumnType<string | null, never, never>;
  };
  service_processes: {
    id: string;
    instance_id: string;
    sp_id: string;
    service_id: string;
    version_tag: string;
    card: string;
    request: ColumnType<ProcessOperation, string, string>;
    start_state: number;
    state: 'running' | 'done' | 'failed';
    chip_changed: ColumnType<boolean, boolean | undefined, boolean>;
    result: ColumnType<ProcessEnd | null, string | null | undefined, string | null>;
    started_at: ColumnType<Date, never, never>;
    ended_at: ColumnType<Date | null, never, Date>;
    applications_before: ColumnType<PlacedApplication[] | null, string | undefined, never>;
  };
  tsms_card_ranges: { scp_id: string; kind: string; first: string; last: string };
}

export interface ProcessEnd {
  readonly result: ProcessResult;
  readonly messages?: readonly string[];
  readonly values?: Readonly<Record<string, string>>;
  readonly problem?: Problem;
}
