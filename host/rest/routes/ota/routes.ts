// SPDX-License-Identifier: Apache-2.0
import type { CardSessions } from '../../../service/ota/card-sessions.ts';
import type { TerminalDirectory } from '../../../service/ota/terminal-directory.ts';
import type { RestApp } from '../../app.ts';
import { cardSessionRoutes } from './card-sessions.ts';
import { terminalLinkRoutes } from './terminal-links.ts';
import { terminalRoutes } from './terminals.ts';

/** Terminals and card sessions, for providers; terminal links, for the other nodes of this server. */
export function otaRoutes(app: RestApp, sessions: CardSessions, terminals: TerminalDirectory, id: string): void {
  terminalRoutes(app, sessions);
  cardSessionRoutes(app, sessions);
  terminalLinkRoutes(app, terminals, id);
}
