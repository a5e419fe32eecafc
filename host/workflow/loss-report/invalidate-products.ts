// SPDX-License-Identifier: Apache-2.0
import { cardIdText } from '../../store/card-id.ts';
import { openLossReport } from '../../store/issuer/card-products.ts';
import type { LossReportContext, LossReportStart } from './context.ts';

/** B3: the products of the card become INVALID, and the outbox gets a change for each, in one transaction. */
export async function invalidateProducts({ id, request }: LossReportStart, context: LossReportContext) {
  const { cardId, productIds, reason, reportedBy } = request;
  const record = { act: 'loss report', subject: cardIdText(cardId), workflowId: id, numeral: 'B3' };
  const details = { reason, reportedBy, products: productIds?.join(' ') ?? 'all' };
  await context.auditLog.append({ ...record, phase: 'before', details });
  await openLossReport(context.database, {
    id,
    cardId,
    reason,
    reportedBy,
    ...(productIds === undefined ? {} : { productIds }),
  });
  await context.auditLog.append({ ...record, phase: 'after', details });
  context.ring();
  return {};
}
