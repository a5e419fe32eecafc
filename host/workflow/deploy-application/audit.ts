// SPDX-License-Identifier: Apache-2.0
import type { AuditPhase } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { InstallContext, InstallStart } from './context.ts';

/** Writes an audit record about this request. */
export async function auditRequest(
  context: InstallContext,
  { request, caller }: InstallStart,
  record: {
    readonly phase: AuditPhase;
    readonly numeral: string;
    readonly act: string;
    readonly details: Readonly<Record<string, string | number | boolean>>;
  },
): Promise<void> {
  await context.auditLog.append({
    phase: record.phase,
    act: record.act,
    numeral: record.numeral,
    workflowId: context.workflowId,
    subject: `${cardIdText(request.cardId)} ${request.instanceAid}`,
    details: { ...record.details, provider: caller, product: request.productId },
  });
}
