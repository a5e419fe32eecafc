import type { AuditLog } from '../../../store/audit-log.ts';
import { AuditRecords } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';

/** The platform's hash-chained record, for its operators. */
export function auditRecordRoutes(app: RestApp, auditLog: AuditLog): void {
  app.get(
    '/v1/audit-records',
    { config: { access: ['operator'] }, schema: { response: { 200: AuditRecords } } },
    async () => auditLog.records(),
  );
}
