import { writeFile } from 'node:fs/promises';
import type { KeyDistributionState } from '../wire/message/key-distribution.ts';

/** What `--report FILE` writes. */
export interface DemoReport {
  readonly link: 'pcsc' | 'direct';
  readonly reader: string;
  readonly iccid: string;
  readonly runs: readonly RunReport[];
  readonly properties: readonly PropertyReport[];
  /** Exchanges between `ota` and `terminal` in the first distributed run. */
  readonly otaRoundTrips: number;
  readonly ok: boolean;
}

export interface RunReport {
  readonly provider: string;
  readonly outcome: string;
  readonly refusedAt?: string;
  readonly foundBy?: string;
  readonly isolation?: string;
  readonly steps: KeyDistributionState['steps'];
  readonly ssd?: KeyDistributionState['ssd'];
  readonly problem?: KeyDistributionState['problem'];
}

/** One row of key-distribution.md section 5, attempted. */
export interface PropertyReport {
  readonly name: string;
  readonly attempts: number;
  readonly holds: boolean;
  /** What went differently than it must; absent when it holds. */
  readonly detail?: string;
}

export function runReport(provider: string, state: KeyDistributionState): RunReport {
  const { outcome, refusedAt, foundBy, isolation, steps, ssd, problem } = state;
  return {
    provider,
    outcome: outcome ?? 'failed',
    ...(refusedAt === undefined ? {} : { refusedAt }),
    ...(foundBy === undefined ? {} : { foundBy }),
    ...(isolation === undefined ? {} : { isolation }),
    steps,
    ...(ssd === undefined ? {} : { ssd }),
    ...(problem === undefined ? {} : { problem }),
  };
}

export const roundTripsOf = (run: Pick<RunReport, 'steps'>): number =>
  run.steps.reduce((sum, step) => sum + step.roundTrips, 0);

export async function saveReport(file: string, report: DemoReport): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
