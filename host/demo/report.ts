// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import type { PropertyReport, RunReport } from '../lab/run-report.ts';
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
  /** Purse, top-ups and loss report; absent when they were not played. */
  readonly platform?: PlatformReport;
  readonly ok: boolean;
}

export async function saveReport(file: string, report: DemoReport): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
