// SPDX-License-Identifier: Apache-2.0
import type { Actions } from '../../../service/front/actions.ts';
import type { RouteBook } from '../../../service/front/route-book.ts';
import type { SeramSessions } from '../../../service/front/seram-sessions.ts';
import type { ServiceNodeBeats } from '../../../service/front/service-nodes.ts';
import type { TsmApi } from '../../../service/front/tsm-api.ts';
import type { UserCardBook } from '../../../service/front/user-cards.ts';
import type { AuditLog } from '../../../store/audit-log.ts';
import type { PoolNode } from '../../../wire/message/front.ts';
import type { RestApp } from '../../app.ts';
import { EXT_DOCUMENT, extDocument } from '../../ext-document.ts';
import { auditRecordRoutes } from '../operator/audit-records.ts';
import { actionRoutes } from './actions.ts';
import { nodeRoutes } from './nodes.ts';
import { routeBookRoutes } from './route-book.ts';
import { seramRoutes } from './seram.ts';
import { seramReaderRoutes } from './seram-readers.ts';
import { tsmApiRoutes, tsmExecutionRoutes, tsmProcessRoutes } from './tsm-api.ts';
import { userCardRoutes } from './user-cards.ts';

export interface FrontServices {
  readonly sessions: SeramSessions;
  readonly userCards: UserCardBook;
  readonly routeBook: RouteBook;
  readonly auditLog: AuditLog;
  readonly beats: ServiceNodeBeats;
  /** Of the platforms and services behind. */
  readonly nodes: () => readonly PoolNode[];
}

/** For operators, and for the OTA server. */
export function frontRoutes(app: RestApp, services: FrontServices): void {
  const { sessions, userCards, routeBook, auditLog, nodes, beats } = services;
  seramReaderRoutes(app, sessions);
  userCardRoutes(app, userCards);
  routeBookRoutes(app, routeBook);
  auditRecordRoutes(app, auditLog);
  nodeRoutes(app, nodes, beats);
}

/** For phone apps and the agents beside them. */
export function appSideRoutes(
  app: RestApp,
  { actions, sessions, tsmApi, extensions, cookiePath }: AppSideServices,
): void {
  seramRoutes(app, sessions, cookiePath);
  if (tsmApi !== undefined) {
    tsmApiRoutes(app, tsmApi);
    tsmProcessRoutes(app, tsmApi);
    if (extensions) tsmExecutionRoutes(app, tsmApi);
  }
  if (!extensions) return;
  actionRoutes(app, actions);
  app.get(EXT_DOCUMENT, { config: { access: ['public'] } }, async () => extDocument(app.swagger(), 'bearer'));
}

export interface AppSideServices {
  readonly actions: Actions;
  readonly sessions: SeramSessions;
  /** Absent where no SP TSM is named for it. */
  readonly tsmApi: TsmApi | undefined;
  /** Path of the agents' cookies where theirs is not ours, behind a proxy with a path of its own. */
  readonly cookiePath?: string;
  /** False: what stands in the two standards and nothing else. */
  readonly extensions: boolean;
}
