// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { AuditLog } from '../../../store/audit-log.ts';
import { AuditRecords } from '../../../wire/message/operator.ts';
import type { RestApp } from '../../app.ts';
import { limitField, limitOf } from '../../paging.ts';

const Text = Type.String({ pattern: '^[ -~]{1,128}$' });
const AuditQuery = Type.Object(
  {
    ...limitField,
    /** Number of the last record of the page before. */
    after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
    act: Type.Optional(Text),
    /** What the subject begins with. */
    subject: Type.Optional(Text),
    flow: Type.Optional(Text),
  },
  { additionalProperties: false },
);

/** The platform's hash-chained record, oldest first, in pages, for its operators. */
export function auditRecordRoutes(app: RestApp, auditLog: AuditLog): void {
  app.get(
    '/v1/audit-records',
    { config: { access: ['operator'] }, schema: { querystring: AuditQuery, response: { 200: AuditRecords } } },
    async ({ query, query: { after, act, subject, flow } }) =>
      auditLog.records(limitOf(query), {
        ...(after === undefined ? {} : { after: Number(after) }),
        ...(act === undefined ? {} : { act }),
        ...(subject === undefined ? {} : { subject }),
        ...(flow === undefined ? {} : { flow }),
      }),
  );
}
