// SPDX-License-Identifier: Apache-2.0
import type { LossReport, StartLossReport, StartTopUp, TopUpState } from '../../wire/message/platform.ts';

/** The platforms behind the front. */

/** An SP TSM, for flow A. */
export interface TopUps {
  start(key: string, body: StartTopUp): Promise<TopUpState>;
  state(id: string, wait: { readonly waitMs: number; readonly afterStep: number }): Promise<TopUpState>;
}

/** The SE TSM, for flow B. */
export interface LossReports {
  report(key: string, body: StartLossReport): Promise<LossReport>;
  state(id: string): Promise<LossReport>;
  close(id: string): Promise<void>;
}

/** Pools by name. @throws UsageError, NotFoundError for one that is none or of another kind */
export interface Backends {
  topUps(pool: string): TopUps;
  lossReports(pool: string): LossReports;
}
