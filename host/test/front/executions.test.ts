// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { PeerError, TransportError } from '../../errors.ts';
import { checkerOf } from '../../rest/validation.ts';
import { Actions } from '../../service/front/actions.ts';
import { SeramSessions } from '../../service/front/seram-sessions.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import { putUserCard } from '../../store/front/user-cards.ts';
import { FindOnCards, type Instance, type Process } from '../../wire/message/service-instance.ts';
import { TestDatabase } from '../ota/fixture.ts';

/** Actions that run a script of a service, before a provider that says what each test wants. */

const SERVICE = '33333333-3333-4333-8333-333333333333';
const APP = 'AB'.repeat(32);
const seId = '89860000000000000019';
const alice = { subject: 'alice' };
const request = { actionCode: 'STAMP', productId: SERVICE, seType: 'uicc', seId } as const;

describe('Actions that run a script', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<FrontTables>;
  let actions: Actions;
  /** What the provider says; a number is the status of a refusal. */
  let found: Partial<Instance> | number;
  let running: Partial<Process>;
  let asked: FindOnCards[];

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('front');
    database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    await putUserCard(database, 'alice', `iccid:${seId}`);
    const away = () => Promise.reject(new TransportError('peer-unreachable', 'nothing is behind'));
    const information = {
      serviceId: SERVICE,
      versionTag: '1.0.0',
      flavorId: SERVICE,
      flavorName: '',
      profileId: SERVICE,
    };
    const cardId = { kind: 'iccid', value: seId } as const;
    const instance: Instance = {
      serviceInstanceId: SERVICE,
      state: 21,
      productState: 'VALID',
      cardId,
      technicalInformation: { ...information, spParameters: {} },
    };
    const process = async (processId: string): Promise<Process> => ({
      processId,
      serviceInstanceId: SERVICE,
      cardId,
      state: 'running',
      progress: 0,
      messages: [],
      values: {},
      steps: [],
      ...running,
    });
    const services = {
      contact: away,
      create: away,
      checkDeployment: away,
      checkUpdate: away,
      get: away,
      find: async (body: FindOnCards) => {
        asked.push(body);
        if (typeof found === 'number') throw new PeerError('no', 'The provider says no', { status: found });
        return [{ ...instance, ...found }];
      },
      start: process,
      process,
    };
    actions = new Actions({
      database,
      sessions: new SeramSessions({ database, bells: new Bells() }),
      onError: () => {},
      backends: {
        topUps: () => ({ start: away, state: away }),
        services: () => services,
        lossReports: () => ({ report: away, state: away, open: away, close: away }),
      },
      route: ({ actionCode }) => ({ name: 'all', when: { actionCode }, pool: 'provider-a', operation: 'execution' }),
      terminalId: 'seram:main',
      raEndpoint: () => 'https://front.invalid/gp/seram',
    });
  });
  beforeEach(async () => {
    await database.deleteFrom('actions').execute();
    [found, running, asked] = [{ instanceAids: ['F05354414D5001A1'] }, {}, []];
  });
  after(async () => {
    actions?.drain();
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  const APPLICATION = { ...request, appId: 'F05354414D5001A1' };

  for (const [what, later] of [
    ['has other applications now', { instanceAids: ['F05354414D5001A2'] }],
    ['is not found now', 404],
    ['is asked for too often', 429],
  ] satisfies [string, typeof found][])
    it(`go on when they are asked for again, although the instance ${what}`, async () => {
      const first = await actions.start(alice, 'a1', APPLICATION);
      expect(first).to.have.property('state', 'running');
      found = later;
      const again = await actions.start(alice, 'a1', APPLICATION);
      expect(again).to.have.property('state', 'running');
      expect(again.sessionId).to.be.a('string').that.does.not.equal(first.sessionId);
      running = { state: 'done', messages: ['stamps 3'] };
      const ended = await actions.start(alice, 'a1', APPLICATION);
      expect(ended).to.deep.include({ state: 'done', outcome: 'executed', messages: ['stamps 3'] });
    });

  for (const status of [408, 429])
    it(`are not refused by ${status}, and run when they are asked for again`, async () => {
      found = status;
      const first = await actions.start(alice, 'a2', request).catch((error) => error.context?.status);
      expect(first).to.equal(status);
      found = {};
      expect(await actions.start(alice, 'a2', request)).to.have.property('state', 'running');
    });

  it('are refused where the provider has no such instance', async () => {
    found = 404;
    const refusal = await actions.start(alice, 'a3', request).catch((error) => error.code);
    expect(refusal).to.equal('no');
    expect(await actions.start(alice, 'a3', request)).to.deep.include({ state: 'failed', outcome: 'refused' });
  });

  it('tell the provider which app asks, where it says so', async () => {
    await actions.start(alice, 'a4', { ...request, appId: APP });
    await actions.start(alice, 'a5', { ...request, appId: 'com.example.wallet' });
    await actions.start(alice, 'a6', request);
    expect(asked.flatMap((body) => checkerOf(FindOnCards).errors(body))).to.deep.equal([]);
    expect(asked.map(({ appId }) => appId)).to.deep.equal([APP, undefined, undefined]);
  });
});
