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

/** Round trip of a network of the field. */
const FIELD_MS = 300;

/** A run at a network of 300 ms, as its exchanges make it; connections are open already. */
export interface FieldCost {
  readonly exchanges: number;
  /** Of the network alone; short messages at 9.6 kbit/s. */
  readonly networkSeconds: number;
  /** With what card and platforms took here. */
  readonly seconds: number;
}

/** @param delayMs what was added here to each exchange, and is not counted again */
export function fieldCostOf(
  run: Pick<RunReport, 'steps' | 'radio'>,
  { bySms, delayMs }: { readonly bySms: boolean; readonly delayMs: number },
): FieldCost {
  const { roundTrips, ms } = costOf(run);
  // A script by short message is its messages; beside another bearer they are what makes the card call.
  const networkSeconds = (bySms ? 0 : (roundTrips * FIELD_MS) / 1_000) + (run.radio?.seconds ?? 0);
  const here = Math.max(0, ms - roundTrips * delayMs) / 1_000;
  return { exchanges: roundTrips, networkSeconds: tenths(networkSeconds), seconds: tenths(networkSeconds + here) };
}

const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;

export const roundTripsOf = (run: Pick<RunReport, 'steps'>): number =>
  run.steps.reduce((sum, step) => sum + step.roundTrips, 0);
