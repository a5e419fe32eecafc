// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import type { BearerKind } from '../lab/multi-provider-lab.ts';
import type { FieldCost, PropertyReport, RunCost, RunReport } from '../lab/run-report.ts';
import type { PlatformReport } from './platform.ts';

/** What `--report FILE` writes. */
export interface DemoReport {
  readonly link: 'pcsc' | 'direct';
  readonly reader: string;
  readonly iccid: string;
  readonly runs: readonly RunReport[];
  readonly properties: readonly PropertyReport[];
  /** Exchanges between `ota` and `terminal` in the first distributed run. */
  readonly otaRoundTrips: number;
  /**
   * How scripts went from `ota` to the card, and what the first distributed run cost that way; bytes as the bearer
   * counts them.
   */
  readonly bearer: BearerKind;
  readonly cost?: RunCost;
  readonly at300Ms?: FieldCost;
  /** Purse, top-ups and loss report; absent when they were not played. */
  readonly platform?: PlatformReport;
  readonly ok: boolean;
}

export async function saveReport(file: string, report: DemoReport): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
