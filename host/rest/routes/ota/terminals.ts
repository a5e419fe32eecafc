// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { CardSessions } from '../../../service/ota/card-sessions.ts';
import { TerminalInfo } from '../../../wire/message/card-script.ts';
import type { RestApp } from '../../app.ts';

/** Which terminals are connected, and what is in their readers; of others' cards nothing but that they are there. */
export function terminalRoutes(app: RestApp, sessions: CardSessions): void {
  app.get(
    '/v1/terminals',
    { config: { access: ['provider'] }, schema: { response: { 200: Type.Array(TerminalInfo) } } },
    async (request) => sessions.terminals(request.peer.id),
  );
}
