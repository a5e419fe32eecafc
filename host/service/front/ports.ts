// SPDX-License-Identifier: Apache-2.0
import type { CardId } from '../../wire/message/common.ts';
import type {
  LossReport,
  LossReportEntry,
  StartLossReport,
  StartTopUp,
  TopUpState,
} from '../../wire/message/platform.ts';
import type {
  CheckOnCards,
  CheckResult,
  CreateOnCards,
  FindOnCards,
  Instance,
  Process,
  StartProcess,
} from '../../wire/message/service-instance.ts';

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
  /** Those of this card that are open, whoever made them. */
  open(cardId: CardId): Promise<LossReportEntry[]>;
  close(id: string): Promise<void>;
}

/** An SP TSM, for instances of services. */
export interface Services {
  /** A phone brings this card, to whoever has work for it. */
  contact(cardId: CardId): Promise<void>;
  create(body: CreateOnCards): Promise<Instance>;
  find(body: FindOnCards): Promise<Instance[]>;
  checkDeployment(body: CheckOnCards): Promise<CheckResult>;
  get(instanceId: string): Promise<Instance>;
  checkUpdate(instanceId: string, version: string): Promise<CheckResult>;
  start(key: string, instanceId: string, body: StartProcess): Promise<Process>;
  process(id: string, wait: { readonly waitMs: number; readonly afterStep: number }): Promise<Process>;
}

/** Pools by name. @throws UsageError, NotFoundError for one that is none or of another kind */
export interface Backends {
  topUps(pool: string): TopUps;
  lossReports(pool: string): LossReports;
  services(pool: string): Services;
}
