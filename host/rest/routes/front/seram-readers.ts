// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { SeramSessions } from '../../../service/front/seram-sessions.ts';
import { SeramReader, SeramScript, SeramScriptResult } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { WaitQuery, waitMsOf } from '../../idempotency-key.ts';

const closed = { additionalProperties: false } as const;
/** A card as one text, `iccid:8986..`. */
const Params = Type.Object({ reader: Type.String({ pattern: '^[A-Za-z0-9:-]{4,110}$' }) }, closed);
const config = { access: ['ota'] as const };

/**
 * Cards that phones bring, as readers of the OTA server: its card sessions, leases and fences are over both kinds
 * alike.
 */
export function seramReaderRoutes(app: RestApp, sessions: SeramSessions): void {
  app.get(
    '/v1/seram-readers/:reader',
    { config, schema: { params: Params, querystring: Type.Object(WaitQuery, closed), response: { 200: SeramReader } } },
    async ({ params, query }) => sessions.reader(params.reader, waitMsOf(query)),
  );

  app.post(
    '/v1/seram-readers/:reader/scripts',
    { config, schema: { params: Params, body: SeramScript, response: { 200: SeramScriptResult } } },
    async ({ params, body }) => sessions.run(params.reader, body),
  );
}
