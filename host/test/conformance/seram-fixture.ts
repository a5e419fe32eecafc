// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { appSideRoutes } from '../../rest/routes/front/routes.ts';
import { SeramSessions } from '../../service/front/seram-sessions.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { addAction } from '../../store/front/actions.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import type { Handshake, Report } from '../../wire/message/seram.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { TestServer } from '../rest/fixture.ts';

/** Reports are answered at once: whether they are held is tested elsewhere. */
const HOLD_MS = 1;
const ELEMENT = { seType: 'uicc', seId: '89860000000000000005' } as const;

/** A session for each request: a new one is taken up where this id is shown, because a used one is good for nothing. */
class FreshSessions extends SeramSessions {
  readonly liveId = randomBytes(24).toString('base64url');
  readonly #database: Kysely<FrontTables>;

  constructor(database: Kysely<FrontTables>) {
    super({ database, bells: new Bells(), holdMs: HOLD_MS });
    this.#database = database;
  }

  async #fresh(sessionId: string): Promise<string> {
    if (sessionId !== this.liveId) return sessionId;
    const id = randomUUID().replaceAll('-', '');
    const card = `iccid:${ELEMENT.seId}:${id}`;
    const request = { actionCode: 'FOUND', ...ELEMENT };
    await addAction(this.#database, { id, subject: 'nobody', card, operation: 'found', pool: 'none', request });
    return (await this.openFor({ id, card, element: ELEMENT })) ?? sessionId;
  }

  override async handshake(sessionId: string, offer: Handshake) {
    return super.handshake(await this.#fresh(sessionId), offer);
  }

  override async report(sessionId: string, report: Report, cookies: { readonly seq?: number }) {
    const fresh = await this.#fresh(sessionId);
    if (fresh === sessionId) return super.report(sessionId, report, cookies);
    const made = await super.handshake(fresh, { secureElements: [ELEMENT] });
    return super.report(fresh, report, { ...cookies, ...('binding' in made ? { binding: made.binding } : {}) });
  }
}

/** The app side of a front with a session that never ends, on a database of its own. */
export class SeramLab implements AsyncDisposable {
  readonly liveId: string;
  readonly base: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(liveId: string, base: string, parts: AsyncDisposableStack) {
    this.liveId = liveId;
    this.base = base;
    this.#parts = parts;
  }

  static async start(): Promise<SeramLab> {
    await using parts = new AsyncDisposableStack();
    const postgres = parts.use(await TestDatabase.start());
    const url = await postgres.server.createDatabase('front');
    const database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    parts.defer(() => database.destroy());
    const sessions = new FreshSessions(database);
    // Nobody has a token here: what stands behind one is never asked.
    const nothing = new Proxy({}, { get: () => undefined }) as never;
    const users = { userOf: async () => ({ role: 'user', id: 'nobody' }) as const };
    const server = parts.use(
      await TestServer.start(
        { role: 'front', id: 'main' },
        (app) => appSideRoutes(app, { sessions, actions: nothing, tsmApi: undefined, extensions: false }),
        { users },
      ),
    );
    return new SeramLab(sessions.liveId, `https://127.0.0.1:${server.port}/gp/seram`, parts.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
