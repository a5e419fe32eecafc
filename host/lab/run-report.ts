// SPDX-License-Identifier: Apache-2.0
import type { CardId } from '../wire/message/common.ts';
import type { KeyDistributionState } from '../wire/message/key-distribution.ts';
import type { SmsCost } from './sms.ts';

/** What a lab run came to, and what an attacked property showed. */

export interface RunReport {
  readonly provider: string;
  readonly outcome: string;
  readonly refusedAt?: string;
  readonly foundBy?: string;
  readonly isolation?: string;
  readonly steps: KeyDistributionState['steps'];
  readonly ssd?: KeyDistributionState['ssd'];
  readonly problem?: KeyDistributionState['problem'];
  /** Short messages both ways, where scripts went by them. */
  readonly radio?: SmsCost;
}

/** A run with what was expected of it. */
export interface Run extends RunReport {
  /** Named by step 41. */
  readonly cardId?: CardId;
  /** What went differently than it must; absent when all is as expected. */
  readonly unexpected?: string;
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

/** What a run has sent to the card and got from it. */
export interface RunCost {
  readonly roundTrips: number;
  readonly apdus: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly ms: number;
}

export function costOf({ steps }: Pick<RunReport, 'steps'>): RunCost {
  const sum = (key: keyof RunCost) => steps.reduce((total, step) => total + step[key], 0);
  const ms = Math.round(sum('ms'));
  return { roundTrips: sum('roundTrips'), apdus: sum('apdus'), bytesOut: sum('bytesOut'), bytesIn: sum('bytesIn'), ms };
}

export const roundTripsOf = (run: Pick<RunReport, 'steps'>): number =>
  run.steps.reduce((sum, step) => sum + step.roundTrips, 0);
