// SPDX-License-Identifier: Apache-2.0
import { Flow } from './engine/flow.ts';
import { answerReport } from './loss-report/answer-report.ts';
import type { LossReportContext, LossReportStart } from './loss-report/context.ts';
import { invalidateProducts } from './loss-report/invalidate-products.ts';
import { synchroniseProvider } from './loss-report/synchronise-provider.ts';

/**
 * Flow B, the report of a lost card. 1, 2 and 5 stand at the app and at the front. 3 and 4 are done while the report
 * waits for its answer; 6 is handed on by the outbox, which 3 has filled in its own transaction. For readers:
 * docs/loss-report.md.
 */

const issuer = 'issuer' as const;
const provider = 'provider' as const;

export const lossReportSteps = new Flow<LossReportContext, LossReportStart>()
  .elsewhere('the phone app and the front', 'B1', 'B2', 'B5')
  .admit('B3', [issuer, issuer], 'repeatable', invalidateProducts)
  .admit('B4', [issuer, issuer], 'repeatable', answerReport);

/** 6: one change on its way to one provider. */
export const synchronisation = { numeral: 'B6', from: issuer, to: provider, step: synchroniseProvider };
