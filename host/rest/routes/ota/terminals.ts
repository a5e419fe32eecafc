// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { TerminalDirectory } from '../../../service/ota/terminal-directory.ts';
import { TerminalInfo } from '../../../wire/message/card-script.ts';
import type { RestApp } from '../../app.ts';

/** Which terminals are connected, and what is in their readers. */
export function terminalRoutes(app: RestApp, terminals: TerminalDirectory): void {
  app.get(
    '/v1/terminals',
    { config: { access: ['provider'] }, schema: { response: { 200: Type.Array(TerminalInfo) } } },
    async () => terminals.list(),
  );
}
