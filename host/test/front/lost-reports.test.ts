// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { PeerError, TransportError } from '../../errors.ts';
import { Actions } from '../../service/front/actions.ts';
import type { LossReports } from '../../service/front/ports.ts';
import { SeramSessions } from '../../service/front/seram-sessions.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { addAction, findAction } from '../../store/front/actions.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import { TestDatabase } from '../ota/fixture.ts';

/** More than any one look takes. */
const BROKEN = 101;

/** Reports whose node has died before their answer, and platforms behind that do not answer for some or for all. */
describe('loss reports that are taken up', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<FrontTables>;
  const asked: string[] = [];
  /** Of reports, by their action; a platform that stays silent answers when it is told to. */
  const silence = Promise.withResolvers<void>();
  const silences = new Map<string, PromiseWithResolvers<void>>();
  let actions: Actions;

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('front');
    database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    const away = () => Promise.reject(new TransportError('peer-unreachable', 'nothing is behind'));
    const platform = (pool: string): LossReports => ({
      report: async (id, { cardId }) => {
        asked.push(id);
        if (pool === 'silent') await silence.promise;
        if (id.startsWith('unheard')) await silences.get(id)?.promise;
        if (id.startsWith('broken')) throw new PeerError('internal', 'The server failed', { status: 500 });
        return { id, cardId, productIds: [], state: 'open', synchronised: true };
      },
      state: away,
      open: away,
      close: away,
    });
    const services = {
      contact: away,
      create: away,
      find: away,
      checkDeployment: away,
      checkUpdate: away,
      start: away,
      process: away,
    };
    const backends = {
      topUps: () => ({ start: away, state: away }),
      lossReports: platform,
      services: () => ({ ...services, get: away }),
    };
    actions = new Actions({
      database,
      sessions: new SeramSessions({ database, bells: new Bells() }),
      backends,
      route: ({ actionCode }) => ({ name: 'all', when: { actionCode }, pool: 'issuer', operation: 'loss-report' }),
      terminalId: 'seram:main',
      raEndpoint: () => 'https://front.invalid/gp/seram',
      onError: () => {},
    });
  });
  after(async () => {
    actions?.drain();
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    asked.length = 0;
    await database.deleteFrom('actions').execute();
  });

  /** As a node leaves it that died a minute ago, and so many seconds before. */
  async function left(id: string, secondsBefore: number, pool = 'issuer'): Promise<void> {
    const request = { actionCode: 'LOSS', seType: 'uicc', seId: '89860000000000000111' } as const;
    const card = `iccid:${request.seId}`;
    await addAction(database, { id, subject: 'alice', card: `${card}${id}`, operation: 'loss-report', pool, request });
    await sql`UPDATE actions SET at = now() - (60 + ${secondsBefore}) * interval '1 second'
      WHERE id = ${id}`.execute(database);
  }
  const stateOf = async (id: string) => (await findAction(database, id))?.state;
  /** Seconds until each is due again. */
  async function pauses(): Promise<number[]> {
    const { rows } = await sql<{ pause: number }>`
      SELECT extract(epoch FROM again_at - now())::float8 AS pause FROM actions WHERE state = 'running'`.execute(
      database,
    );
    return rows.map(({ pause }) => pause);
  }

  it('are answered although a hundred older ones never are, each of which is tried at growing distances', async () => {
    for (let index = 0; index < BROKEN; index += 1) await left(`broken-${index}`, BROKEN - index);
    await left('good', 0);
    await actions.takeUpLost();
    expect(await stateOf('good')).to.equal('done');
    expect(new Set(asked).size).to.equal(BROKEN + 1);

    await database.deleteFrom('actions').where('id', '<>', 'broken-0').execute();
    for (const [tries, longest] of [
      [0, 45],
      [1, 90],
      [2, 180],
      [3, 300],
      [2_000_000, 300],
    ] as const) {
      await sql`UPDATE actions SET again_at = now(), tries = ${tries} WHERE state = 'running'`.execute(database);
      await actions.takeUpLost();
      expect(Math.max(...(await pauses())), `after ${tries} tries`).to.be.within(longest / 2, longest);
    }
    expect(await stateOf('broken-0')).to.equal('running');
  });

  it('of one platform wait for no other', async () => {
    await left('unheard', 2, 'silent');
    await left('heard', 1);
    const look = actions.takeUpLost();
    while ((await stateOf('heard')) !== 'done') await new Promise((resolve) => setImmediate(resolve));
    await left('heard later', 0);
    const again = actions.takeUpLost();
    while ((await stateOf('heard later')) !== 'done') await new Promise((resolve) => setImmediate(resolve));
    expect(await stateOf('unheard')).to.equal('running');
    silence.resolve();
    await Promise.all([look, again]);
    expect(await stateOf('unheard')).to.equal('done');
    expect(asked.filter((id) => id === 'unheard')).to.have.length(1);
  });

  it('of one platform wait for none that it stays silent about, and go ahead of those that were tried', async () => {
    // All places but one are taken by reports that get no answer.
    const unheard = Array.from({ length: 15 }, (_, index) => `unheard-${index}`);
    for (const [index, id] of unheard.entries()) {
      silences.set(id, Promise.withResolvers());
      await left(id, 100 - index);
    }
    for (let index = 0; index < 40; index += 1) await left(`heard-${index}`, 40 - index);
    await left('tried', 1_000);
    await sql`UPDATE actions SET tries = 1, again_at = now() - interval '1 hour' WHERE id = 'tried'`.execute(database);
    const look = actions.takeUpLost();
    while ((await stateOf('tried')) !== 'done') await new Promise((resolve) => setImmediate(resolve));
    expect(asked.at(-1)).to.equal('tried');
    expect(asked.filter((id) => id.startsWith('heard'))).to.have.length(40);
    // One that comes meanwhile.
    await left('heard later', 0);
    while ((await stateOf('heard later')) !== 'done') await new Promise((resolve) => setImmediate(resolve));
    await sql`UPDATE actions SET again_at = now() - interval '1 hour' WHERE state = 'running'`.execute(database);
    for (const id of ['heard last but one', 'heard last']) {
      await left(id, 0);
      while ((await stateOf(id)) !== 'done') await new Promise((resolve) => setImmediate(resolve));
    }
    expect(
      asked.filter((id) => id.startsWith('unheard')),
      'each once',
    ).to.have.length(15);
    for (const { resolve } of silences.values()) resolve();
    await look;
    expect(await stateOf('unheard-0')).to.equal('done');
  });
});
