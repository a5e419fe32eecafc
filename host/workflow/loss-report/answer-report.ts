// SPDX-License-Identifier: Apache-2.0
import { countPermits } from '../../store/issuer/card-products.ts';
import type { LossReportContext, LossReportStart } from './context.ts';

/**
 * B4: the answer goes out when no top-up of the card can be under way any more. After B3 no permit is given; those that
 * are out come back or are over within `PERMIT_MS`, also when their provider has died.
 */
export async function answerReport({ request }: LossReportStart, { database, pause }: LossReportContext) {
  while ((await countPermits(database, request.cardId)) > 0) await pause();
  return {};
}
