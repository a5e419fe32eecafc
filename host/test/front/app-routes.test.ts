// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { importPKCS8, SignJWT, UnsecuredJWT } from 'jose';
import { type Kysely, sql } from 'kysely';
import { Agent, request } from 'undici';
import { SeramAgent } from '../../bearer/seram/seram-agent.ts';
import { SeramCard } from '../../bearer/seram/seram-card.ts';
import { PeerError, TransportError } from '../../errors.ts';
import { type DevelopmentUsers, openDevelopmentUsers } from '../../local/development-users.ts';
import { EXT_DOCUMENT } from '../../rest/ext-document.ts';
import { appSideRoutes } from '../../rest/routes/front/routes.ts';
import { UserTokens } from '../../rest/user-tokens.ts';
import { checkerOf } from '../../rest/validation.ts';
import { Actions } from '../../service/front/actions.ts';
import { SeramSessions } from '../../service/front/seram-sessions.ts';
import { TsmApi } from '../../service/front/tsm-api.ts';
import { UserCardBook } from '../../service/front/user-cards.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { Bells } from '../../store/bells.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { addAction, finishAction } from '../../store/front/actions.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import { addServiceAction, finishServiceAction } from '../../store/front/service-actions.ts';
import { putUserCard } from '../../store/front/user-cards.ts';
import type { Order } from '../../wire/message/seram.ts';
import { FindOnCards, type Instance } from '../../wire/message/service-instance.ts';
import { tellFigure } from '../conformance/figures.ts';
import { overlaid } from '../conformance/overlay.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { TestServer, testPki } from '../rest/fixture.ts';

const ICCID = '89860000000000000005';
const NOBODYS = '89860000000000000013';
const ALICES_ACTION = 'a'.repeat(32);
const NO_ACTION = 'b'.repeat(32);
const action = (seId: string) => ({
  actionCode: 'TOPUP',
  productId: 'transit',
  seType: 'uicc',
  seId,
  amount: 1,
});

interface Sample {
  readonly path: string;
  readonly body?: unknown;
}

const ALICES_PROCESS = 'c'.repeat(32);
const HERS = '11111111-1111-4111-8111-111111111111';
const NOBODYS_ID = '22222222-2222-4222-8222-222222222222';
const offered = (seId: string, version: string) => ({
  serviceId: HERS,
  version,
  secureElements: [{ seType: 'uicc', seId }],
});

/** A route of one instance; nothing but whose it is is known here of what stands behind. */
function instanceRoute(name: string, body: object | undefined, status = 503, base = '/tsm-api/1') {
  const [, rest = ''] = name.split('{instanceId}');
  const query = rest === '/update-check' ? '?version=1.x.x' : '';
  const sample = (id: string): Sample => ({
    path: `${base}/service-instances/${id}${rest}${query}`,
    ...(body === undefined ? {} : { body }),
  });
  return { [name]: { hers: sample(HERS), nobodys: sample(NOBODYS_ID), status } };
}

/** For each route of users: what Alice may ask for, the same of nobody's things, and what Alice then gets. */
const USER_ROUTES: Readonly<
  Record<string, { readonly hers: Sample; readonly nobodys: Sample; readonly status: number; readonly others?: 200 }>
> = {
  'POST /ext/1/actions': {
    hers: { path: '/ext/1/actions', body: action(ICCID) },
    nobodys: { path: '/ext/1/actions', body: action(NOBODYS) },
    // The platform behind is away.
    status: 503,
  },
  ...instanceRoute('POST /ext/1/service-instances/{instanceId}/executions', { actionCode: 'READ' }, 503, '/ext/1'),
  ...instanceRoute('GET /tsm-api/1/service-instances/{instanceId}', undefined, 200),
  ...instanceRoute('GET /tsm-api/1/service-instances/{instanceId}/update-check', undefined, 503),
  ...instanceRoute('POST /tsm-api/1/service-instances/{instanceId}/deployments', { commands: ['I'], finalize: false }),
  ...instanceRoute('POST /tsm-api/1/service-instances/{instanceId}/updates', {
    version: '1.0.0',
    commands: ['I'],
    finalize: false,
  }),
  ...instanceRoute('POST /tsm-api/1/service-instances/{instanceId}/suspension', { suspend: true }),
  ...instanceRoute('POST /tsm-api/1/service-instances/{instanceId}/termination', {}),
  'POST /tsm-api/1/service-instances': {
    hers: { path: '/tsm-api/1/service-instances', body: offered(ICCID, '1.0.0') },
    nobodys: { path: '/tsm-api/1/service-instances', body: offered(NOBODYS, '1.0.0') },
    status: 503,
  },
  'POST /tsm-api/1/deployment-checks': {
    hers: { path: '/tsm-api/1/deployment-checks', body: offered(ICCID, '1.x.x') },
    nobodys: { path: '/tsm-api/1/deployment-checks', body: offered(NOBODYS, '1.x.x') },
    status: 503,
  },
  'GET /tsm-api/1/service-instances': {
    hers: { path: `/tsm-api/1/service-instances?serviceId=${HERS}` },
    nobodys: { path: `/tsm-api/1/service-instances?serviceId=${NOBODYS_ID}` },
    status: 503,
    // Nobody has to hold a card to have no instance.
    others: 200,
  },
  'GET /tsm-api/1/processes/{processId}': {
    hers: { path: `/tsm-api/1/processes/${ALICES_PROCESS}` },
    nobodys: { path: `/tsm-api/1/processes/${NO_ACTION}` },
    status: 503,
  },
  'GET /ext/1/actions/{processId}': {
    hers: { path: `/ext/1/actions/${ALICES_ACTION}` },
    nobodys: { path: `/ext/1/actions/${NO_ACTION}` },
    status: 200,
  },
};

/** Routes that a session's secret opens. */
const SESSION_ROUTES: Readonly<Record<string, unknown>> = {
  'POST /gp/seram/handshake': { secureElements: [{ seType: 'uicc', seId: ICCID }] },
  'POST /gp/seram/remoteManagement': { localAgentStatus: { localAgentStatusEnum: 'POLLING' } },
};

/** Every route of the app side, found in its own OpenAPI document: a new one has to be entered above. */
describe('Routes of the app side', function () {
  this.timeout(120_000);
  let folder = '';
  let users: DevelopmentUsers;
  let postgres: TestDatabase;
  let server: TestServer;
  let dispatcher: Agent;
  let database: Kysely<FrontTables>;
  let sessions: SeramSessions;
  let standardPaths: string[] = [];
  let tsmApi: TsmApi;
  let contactsAfter: (contactIdleMs: number) => Actions;
  const bells = new Bells();
  const failures: [id: string, reason: string][] = [];
  let cookiesBehindProxy: readonly string[] = [];
  let operations: { readonly name: string; readonly access: readonly string[] }[] = [];
  const closers: (() => Promise<void>)[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-app-side-'));
    users = await openDevelopmentUsers(folder);
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('front');
    database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    closers.push(() => database.destroy());
    await putUserCard(database, 'alice', `iccid:${ICCID}`);
    const done = {
      id: ALICES_ACTION,
      subject: 'alice',
      card: `iccid:${ICCID}`,
      operation: 'found',
      pool: 'issuer',
    } as const;
    await addAction(database, { ...done, request: { actionCode: 'FOUND', seType: 'uicc', seId: ICCID } });
    const onWaiting = (id: string) => {
      actions.watch(id);
      tsmApi.watch(id);
    };
    const onFailed = (id: string, reason: string) => failures.push([id, reason]);
    sessions = new SeramSessions({ database, bells, onWaiting, onFailed, holdMs: 300 });
    const away = () => Promise.reject(new TransportError('peer-unreachable', 'nothing is behind'));
    const information = { serviceId: HERS, versionTag: '1.0.0', flavorId: HERS, flavorName: '', profileId: HERS };
    const instance: Instance = {
      serviceInstanceId: HERS,
      state: 1,
      productState: 'VALID',
      cardId: { kind: 'iccid', value: ICCID },
      technicalInformation: { ...information, spParameters: {} },
    };
    const common = {
      database,
      sessions,
      terminalId: 'seram:main',
      raEndpoint: () => 'https://front.invalid/gp/seram',
      backends: {
        topUps: () => ({ start: away, state: away }),
        lossReports: () => ({ report: away, state: away, open: away, close: away }),
        services: () => ({
          contact: away,
          find: async (body: FindOnCards) => {
            expect(checkerOf(FindOnCards).errors(body)).to.deep.equal([]);
            return body.cards.length < 17 ? away() : body.cards.map((cardId) => ({ ...instance, cardId }));
          },
          create: away,
          checkDeployment: away,
          checkUpdate: away,
          start: away,
          process: away,
          get: async (id: string) => {
            if (id === HERS) return instance;
            throw new PeerError('not-found', 'There is no such service instance', { status: 404 });
          },
        }),
      },
    };
    const actions: Actions = new Actions({
      ...common,
      route: ({ actionCode }) => {
        const operation = actionCode === 'LOSS' ? ('loss-report' as const) : ('top-up' as const);
        return { name: 'all', when: { actionCode }, pool: 'provider-a', operation };
      },
      stepUp: { operations: ['loss-report'], acr: ['strong', 'stronger'], amr: ['otp'], maxAgeSeconds: 300 },
      onError: () => {},
    });
    contactsAfter = (contactIdleMs) =>
      new Actions({
        ...common,
        contactIdleMs,
        onError: () => {},
        route: () => ({ name: 'all', when: { actionCode: 'CONTACT' }, pool: 'issuer', operation: 'contact' }),
      });
    const self = 'urn:opentsm:front:main';
    tsmApi = new TsmApi({ ...common, pool: 'provider-a', self, onError: () => {} });
    await addServiceAction(database, {
      id: ALICES_PROCESS,
      subject: 'alice',
      card: `iccid:${ICCID}`,
      pool: 'provider-a',
    });
    closers.push(async () => {
      actions.drain();
      tsmApi.drain();
    });
    const services = { actions, sessions, tsmApi };
    const options = { users: await UserTokens.open(users) };
    const start = (extensions: boolean) =>
      TestServer.start(
        { role: 'front', id: 'main' },
        (app) => appSideRoutes(app, { ...services, extensions }),
        options,
      );
    dispatcher = new Agent({ connect: { ca: await readFile((await testPki()).authorityFile, 'utf8') } });
    server = await start(true);
    await using standard = await start(false);
    await using proxied = await TestServer.start(
      { role: 'front', id: 'main' },
      (app) => appSideRoutes(app, { ...services, extensions: true, cookiePath: '/x/gp/seram' }),
      options,
    );
    cookiesBehindProxy = await cookiesOf(proxied.port);
    standardPaths = Object.keys((standard.app.swagger() as unknown as { paths: object }).paths);
    const document = server.app.swagger() as unknown as { paths: Record<string, Record<string, object>> };
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        access: (operation as { 'x-access': string[] })['x-access'],
      })),
    );
  });
  after(async () => {
    await dispatcher?.destroy();
    await server?.[Symbol.asyncDispose]();
    for (const close of closers.reverse()) await close();
    await postgres?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const withAccess = (access: string): string[] =>
    operations.filter((operation) => operation.access.join() === access).map(({ name }) => name);

  async function send(name: string, { path, body }: Sample, authorization?: string) {
    const { statusCode, body: stream } = await request(`https://127.0.0.1:${server.port}${path}`, {
      dispatcher,
      method: name.split(' ')[0] as 'GET' | 'POST',
      headers: {
        'idempotency-key': randomUUID(),
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { type, title, detail, context } = (await stream.json()) as Record<string, unknown>;
    return { status: statusCode, type, title, detail, number: Object(context).executionStatus as unknown };
  }

  it('are of users, of sessions, or tell that the server lives, and all are in this sweep', () => {
    expect(withAccess('user').sort()).to.deep.equal(Object.keys(USER_ROUTES).sort());
    const described = `GET ${EXT_DOCUMENT}`;
    expect(withAccess('public').sort()).to.deep.equal([described, ...Object.keys(SESSION_ROUTES)].sort());
    expect(withAccess('any-peer').sort()).to.deep.equal(['GET /health/live', 'GET /health/ready']);
    expect(operations).to.have.length(Object.keys(USER_ROUTES).length + Object.keys(SESSION_ROUTES).length + 3);
    const ours = Object.keys(USER_ROUTES).filter((name) => name.includes(' /ext/'));
    expect(ours).to.have.length(3);
  });

  it('are those of the two standards alone where extensions are off', () => {
    expect(standardPaths.filter((path) => path.startsWith('/ext'))).to.deep.equal([]);
    const all = new Set(
      operations.map(({ name }) => name.split(' ')[1] ?? '').filter((path) => !path.startsWith('/ext')),
    );
    expect(standardPaths.toSorted()).to.deep.equal([...all].sort());
    const published = Object.keys(overlaid('seram').document.paths).map((path) => `/gp/seram${path}`);
    const served = published.filter((path) => standardPaths.includes(path));
    tellFigure('L1', 'SERAM operations', served.length, published.length);
    expect(served).to.deep.equal(published);
  });

  it('lets a phone go that nobody has work for, and says so', async () => {
    const contact = { actionCode: 'CONTACT', seType: 'uicc', seId: ICCID } as const;
    const alice = { subject: 'alice' };
    const actions = contactsAfter(60_000);
    const { sessionId = '', processId } = await actions.start(alice, randomUUID().replaceAll('-', ''), contact);
    const long = (field: string) =>
      sql`UPDATE seram_sessions SET body = jsonb_set(body, ARRAY[${field}::text],
        to_jsonb((body->>${field})::float8 - 61000)) WHERE action_id = ${processId}`.execute(database);
    // One that has not come yet has five minutes to come in, and from then on its own time.
    await long('createdAt');
    expect(await actions.state(alice, processId, 0)).to.have.property('state', 'running');
    expect(await sessions.handshake(sessionId, { secureElements: [{ seType: 'uicc', seId: ICCID }] })).to.have.property(
      'binding',
    );
    expect(await actions.state(alice, processId, 0)).to.have.property('state', 'running');
    await long('workedAt');
    expect(await actions.state(alice, processId, 0)).to.deep.include({ state: 'done', outcome: 'served' });
  });

  it('leave a card with the phone that has begun something, whoever else brings it', async () => {
    const [seId, element] = ['89860000000000000027', { seType: 'uicc', seId: '89860000000000000027' }] as const;
    const card = `iccid:${seId}`;
    const id = randomUUID();
    for (const subject of ['alice', 'bob']) await putUserCard(database, subject, card);
    const request = { actionCode: 'TOPUP', ...element };
    expect(
      await addAction(database, { id, subject: 'alice', card, operation: 'top-up', pool: 'provider-a', request }),
    ).to.equal(true);
    const hers = (await sessions.openFor({ id, card, element })) ?? '';
    const contact = () =>
      contactsAfter(60_000).start({ subject: 'bob' }, randomUUID(), { actionCode: 'CONTACT', ...element });
    const at = async () => (await sessions.reader(card, 0)).insertion;
    await contact();
    const his = await at();
    expect(await sessions.handshake(hers, { secureElements: [element] })).to.have.property('binding');
    const taken = await at();
    expect(taken).to.not.equal(his);
    await contact();
    expect(await at()).to.equal(taken);
  });

  it('refuse whoever has no token, and none of another make', async () => {
    const key = await importPKCS8(await readFile(join(folder, 'issuer.key.pem'), 'utf8'), 'ES256');
    const claims = { iss: users.issuer, aud: users.audience, sub: 'alice' };
    const now = Math.floor(Date.now() / 1_000);
    const signed = (more: object) =>
      new SignJWT({ ...claims, iat: now, exp: now + 600, ...more })
        .setProtectedHeader({ alg: 'ES256', kid: 'development' })
        .sign(key);
    const [head, body] = (await users.token('alice')).split('.');
    const [, , signature] = (await users.token('mallory')).split('.');
    const refused: readonly (readonly [name: string, authorization: string | undefined, code: string])[] = [
      ['none', undefined, 'token-missing'],
      ['another scheme', 'Basic YWxpY2U6YWxpY2U=', 'token-missing'],
      ['over', `Bearer ${await users.token('alice', -3_600)}`, 'token-refused'],
      ['for another audience', `Bearer ${await signed({ aud: 'other' })}`, 'token-refused'],
      ['of another issuer', `Bearer ${await signed({ iss: 'https://other.invalid' })}`, 'token-refused'],
      ['without end', `Bearer ${await signed({ exp: undefined })}`, 'token-refused'],
      ['without user', `Bearer ${await signed({ sub: undefined })}`, 'token-refused'],
      ['unsigned', `Bearer ${new UnsecuredJWT({ ...claims, iat: now, exp: now + 600 }).encode()}`, 'token-refused'],
      ['of another’s signature', `Bearer ${head}.${body}.${signature}`, 'token-refused'],
    ];
    for (const [route, { hers }] of Object.entries(USER_ROUTES)) {
      for (const [name, authorization, code] of refused) {
        const answer = await send(route, hers, authorization);
        expect([answer.status, answer.type], `${route}, ${name}`).to.deep.equal([401, `urn:opentsm:problem:${code}`]);
      }
    }
  });

  it('want a stronger and newer login for what the config names, and say which', async () => {
    const key = await importPKCS8(await readFile(join(folder, 'issuer.key.pem'), 'utf8'), 'ES256');
    const now = Math.floor(Date.now() / 1_000);
    const other = '89860000000000000039';
    await putUserCard(database, 'alice', `iccid:${other}`);
    const asked = async (claims: object, actionCode = 'LOSS', seId = ICCID) => {
      const token = await new SignJWT({ iss: users.issuer, aud: users.audience, sub: 'alice', iat: now, ...claims })
        .setExpirationTime('10m')
        .setProtectedHeader({ alg: 'ES256', kid: 'development' })
        .sign(key);
      const { statusCode, headers, body } = await request(`https://127.0.0.1:${server.port}/ext/1/actions`, {
        dispatcher,
        method: 'POST',
        body: JSON.stringify({ ...action(seId), actionCode }),
        headers: {
          authorization: `Bearer ${token}`,
          'idempotency-key': randomUUID(),
          'content-type': 'application/json',
        },
      });
      await body.dump();
      return [statusCode, headers['www-authenticate']];
    };
    const strong = { acr: 'strong', amr: ['pwd', 'otp'], auth_time: now };
    // Nothing is behind.
    expect(await asked(strong)).to.deep.equal([503, undefined]);
    const challenge = 'Bearer error="insufficient_user_authentication", acr_values="strong stronger", max_age="300"';
    for (const weak of [
      {},
      { ...strong, acr: 'weak' },
      { ...strong, acr: ['strong'] },
      { ...strong, amr: ['pwd'] },
      { ...strong, amr: 'otp' },
      { ...strong, auth_time: now - 400 },
      { ...strong, auth_time: `${now}` },
    ])
      expect(await asked(weak), JSON.stringify(weak)).to.deep.equal([401, challenge]);
    expect((await asked({}, 'TOPUP', other))[0]).to.equal(503);
  });

  it('give a user what is his, and of another’s card no more than of one that is nobody’s', async () => {
    const alice = `Bearer ${await users.token('alice')}`;
    const mallory = `Bearer ${await users.token('mallory')}`;
    for (const [route, { hers, nobodys, status, others = 404 }] of Object.entries(USER_ROUTES)) {
      expect((await send(route, hers, alice)).status, route).to.equal(status);
      const answer = await send(route, hers, mallory);
      expect(answer.status, route).to.equal(others);
      expect(answer, route).to.deep.equal(await send(route, nobodys, mallory));
    }
  });

  it('number each refusal of the TSM-API as the guideline does, whoever refuses', async () => {
    const alice = `Bearer ${await users.token('alice')}`;
    const mallory = `Bearer ${await users.token('mallory')}`;
    const standard = Object.entries(USER_ROUTES).filter(([route]) => route.includes('/tsm-api/1/'));
    expect(standard.length).to.be.above(8);
    for (const [route, { hers, nobodys, status, others }] of standard) {
      expect((await send(route, hers)).number, route).to.equal(5);
      if (others === undefined) expect((await send(route, nobodys, mallory)).number, route).to.be.oneOf([8, 17]);
      if (status === 503) expect((await send(route, hers, alice)).number, route).to.equal(1);
      if (hers.body !== undefined)
        expect((await send(route, { ...hers, body: { unheardOf: 1 } }, alice)).number, route).to.equal(4);
    }
  });

  it('take what phones and apps write: elements of others, an EID, identifiers in capitals', async () => {
    const alice = `Bearer ${await users.token('alice')}`;
    const [EID, MAIN] = ['89049032123451234512345678901235', `iccid:${ICCID}`];
    const book = new UserCardBook(database, new AuditLog(database));
    const eid = { kind: 'eid', value: EID } as const;
    const nameless = await book.put('alice', eid, undefined, 'o').catch((error: unknown) => error);
    expect(nameless).to.include({ code: 'further-name' });
    const misnamed = await book.put('alice', { kind: 'cplc', value: ICCID }, undefined, 'o').catch((error) => error);
    expect(misnamed).to.include({ code: 'card-name' });
    const filled = { kind: 'iccid', value: `${ICCID.slice(0, 19)}F` } as const;
    const long = { kind: 'iin-cin', value: `42-${'AF'.repeat(32)}` } as const;
    for (const card of [filled, long]) await book.put('carol', card, undefined, 'o');
    expect((await book.list('carol')).cards).to.deep.equal([`iccid:${ICCID.slice(0, 19)}`, `iin-cin:${long.value}`]);
    for (const card of [filled, long]) await book.remove('carol', card, 'o');
    expect((await book.list('carol')).cards).to.deep.equal([]);
    const others = [
      { seType: 'undefined', seId: 'SIM 1 (vendor)', seExtraInfo: 'x'.repeat(3_000) },
      ...Array(20).fill({ seType: 'eSE', seId: NOBODYS }),
    ];
    const check = (secureElements: readonly object[]) => ({
      path: '/tsm-api/1/deployment-checks',
      body: { serviceId: HERS.replaceAll('1', 'A'), version: '1.x.x', secureElements },
    });
    const status = async (elements: readonly object[]) =>
      (await send('POST /tsm-api/1/deployment-checks', check(elements), alice)).status;
    const named = { seType: 'ieuicc', seId: EID } as const;
    // Of another service, and nothing is behind: what counts is whose card it is.
    expect([await status(others), await status([...others, named])]).to.deep.equal([404, 404]);
    expect(await status([...others, { seType: 'euicc', seId: `${ICCID.slice(0, 19)}5` }])).to.equal(503);
    await book.put('alice', eid, cardIdOfText(MAIN), 'o');
    expect((await book.list('alice')).cards)
      .to.include(MAIN)
      .and.not.to.include(`eid:${EID}`);
    expect(await status([...others, named])).to.equal(503);
    // Her app names the card by ICCID, or the TSM-API does; the agent of her phone knows the EID alone.
    const contact = { actionCode: 'CONTACT', seType: 'uicc', seId: ICCID } as const;
    const { sessionId = '' } = await contactsAfter(60_000).start({ subject: 'alice' }, randomUUID(), contact);
    expect(await sessions.handshake(sessionId, { secureElements: [named] })).to.have.property('binding');
    const terminate = { path: `/tsm-api/1/service-instances/${HERS}/termination`, body: {} };
    expect((await send('POST', terminate, alice)).status).to.equal(503);
    const { action_id: id } = await database
      .selectFrom('seram_sessions')
      .select('action_id')
      .orderBy('at', 'desc')
      .executeTakeFirstOrThrow();
    const again = (await sessions.openFor({ id, card: MAIN, element: { seType: 'uicc', seId: ICCID } })) ?? '';
    expect(await sessions.handshake(again, { secureElements: [named] })).to.have.property('binding');
    await book.remove('alice', eid, 'o');
    expect(await status([named])).to.equal(404);
    const path = `/tsm-api/1/service-instances/${HERS.toUpperCase()}`;
    expect((await send('GET', { path }, alice)).status).to.equal(200);
    const free = { ...action('SIM 1 (vendor)'), seType: 'undefined' };
    expect((await send('POST /ext/1/actions', { path: '/ext/1/actions', body: free }, alice)).status).to.equal(404);
  });

  it('tell a user without cards of no instance', async () => {
    expect(await tsmApi.find({ subject: 'mallory' }, { serviceId: HERS })).to.deep.equal([]);
  });

  it('take a termination, which has nothing to say, without a body too', async () => {
    const authorization = `Bearer ${await users.token('alice')}`;
    const path = `/tsm-api/1/service-instances/${HERS}/termination`;
    // The platform behind is away.
    expect((await send('POST', { path }, authorization)).status).to.equal(503);
  });

  it('tell of instances on all cards of a user, however many he has', async () => {
    const cards = Array.from({ length: 40 }, (_, index) => `iccid:898600000000000001${10 + index}`);
    for (const card of cards) await putUserCard(database, 'dora', card);
    const found = await tsmApi.find({ subject: 'dora' }, { serviceId: HERS });
    expect(found.map(({ cardId }) => cardIdText(cardId))).to.deep.equal(cards);
  });

  it('refuse null for a field that is not there, as the published schema of SERAM does', async () => {
    const { schemas } = overlaid('seram').document.components;
    const ajv = new Ajv({ strict: false, discriminator: false });
    ajv.addSchema({ $id: 'seram', components: { schemas } });
    const element = { seType: 'uicc', seId: ICCID };
    const status = { localAgentStatusEnum: 'POLLING' };
    const handshake = { secureElements: [element] };
    for (const [path, schema, whole, nulls] of [
      [
        ...['/gp/seram/handshake', 'ramHandshakeCommand', handshake],
        [
          { secureElements: [{ ...element, seExtraInfo: null }] },
          ...['supportedTransportProtocols', 'supportedDataFormats', 'supportedVersions'].map((name) => ({
            ...handshake,
            [name]: null,
          })),
        ],
      ],
      [
        ...['/gp/seram/remoteManagement', 'remoteManagementReport', { localAgentStatus: status }],
        [
          { localAgentStatus: { ...status, errorMsg: null } },
          { localAgentStatus: { ...status, executedSeRamCommands: null } },
          { localAgentStatus: status, ramResponses: null },
        ],
      ],
    ] as [string, string, object, object[]][]) {
      const published = ajv.compile({ $ref: `seram#/components/schemas/${schema}` });
      const statusOf = async (body: object) =>
        (await send(`POST ${path}`, { path: `${path}?sessionId=${'A'.repeat(32)}`, body })).status;
      expect([published(whole), await statusOf(whole)]).to.deep.equal([true, 404]);
      for (const body of nulls)
        expect([published(body), await statusOf(body)], JSON.stringify(body)).to.deep.equal([false, 400]);
    }
  });

  it('give nothing to an agent without the secret of a session, not even with a user’s token', async () => {
    const authorization = `Bearer ${await users.token('alice')}`;
    for (const [route, body] of Object.entries(SESSION_ROUTES)) {
      const [, path = ''] = route.split(' ');
      for (const query of ['', '?sessionId=', `?sessionId=${'A'.repeat(32)}`, `?sessionId=${ALICES_ACTION}`]) {
        expect((await send(route, { path: path + query, body }, authorization)).status, route + query).to.equal(404);
      }
    }
  });

  const element = { seType: 'uicc', seId: '89860000000000000021' } as const;
  const CARD = `iccid:${element.seId}`;

  /** What the phone of this action hears, which brings its card and waits. */
  async function heardBy(id: string): Promise<{ readonly end: string; readonly texts: readonly string[] }> {
    const sessionId = (await sessions.openFor({ id, card: CARD, element })) ?? '';
    const texts: string[] = [];
    await using agent = new SeramAgent({
      endpoints: [`https://127.0.0.1:${server.port}/gp/seram`],
      sessionId,
      secureElements: [element],
      card: new SeramCard(() => Promise.reject(new TransportError('no-card', 'It is not asked for anything'))),
      authority: await readFile((await testPki()).authorityFile, 'utf8'),
      onNotification: (text) => texts.push(text),
    });
    return { end: await agent.run(), texts };
  }

  /** A session of an agent without cookies: what it posts, on a connection of its own or on that of another. */
  async function bareSession(seId: string) {
    const card = `iccid:${seId}`;
    const one = { seType: 'uicc', seId } as const;
    const id = randomUUID();
    await addAction(database, {
      id,
      subject: 'alice',
      card,
      operation: 'top-up',
      pool: 'provider-a',
      request: { actionCode: 'TOPUP', ...one },
    });
    const sessionId = (await sessions.openFor({ id, card, element: one })) ?? '';
    const ca = await readFile((await testPki()).authorityFile, 'utf8');
    const post = async (path: string, body: object, port = server.port, over?: Agent, more: object = {}) => {
      const answer = await request(`https://127.0.0.1:${port}/gp/seram/${path}?sessionId=${sessionId}`, {
        dispatcher: over ?? dispatcher,
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...more },
      });
      const order = (await answer.body.json()) as Order;
      // As the database does: whoever waits for a result looks.
      bells.ringAll();
      return { order, cookies: [answer.headers['set-cookie'] ?? []].flat() };
    };
    const script = async (apdus: readonly string[]) => {
      const commands = apdus.map((apdu) => ({ label: 'C', apdus: [apdu] }));
      const { insertion } = await sessions.reader(card, 0);
      return sessions.run(card, {
        id: randomUUID().replaceAll('-', ''),
        fence: 1,
        insertion,
        commands,
        timeoutMs: 20_000,
      });
    };
    /** Until its agent has been heard, which then waits. */
    const started = async () => {
      for (let state = ''; state !== 'STARTED'; ) {
        const session = database.selectFrom('seram_sessions').select('body').where('card', '=', card);
        state = ((await session.executeTakeFirstOrThrow()).body as { readonly state: string }).state;
      }
    };
    return { post, script, started, sessionId, element: one, connection: () => new Agent({ connect: { ca } }) };
  }

  const POLLING = { localAgentStatus: { localAgentStatusEnum: 'POLLING' } };
  const ANSWERED = {
    localAgentStatus: { localAgentStatusEnum: 'PROCESSED', executedSeRamCommands: 1 },
    ramResponses: [{ ramResponseType: 'seRamResponse', listOfRAPDU: ['9000'] }],
  };
  const apdusOf = ({ ramCommands = [] }: Order) =>
    ramCommands.flatMap((command) => ('listOfCAPDU' in command ? command.listOfCAPDU : []));

  async function cookiesOf(port: number): Promise<readonly string[]> {
    const { post, element: one } = await bareSession('89860000000000000054');
    return (await post('handshake', { secureElements: [one] }, port)).cookies;
  }

  it('give cookies the path by which the agent knows them', () => {
    expect(cookiesBehindProxy).to.have.length(1);
    expect(cookiesBehindProxy[0]).to.contain('; Path=/x/gp/seram;');
  });

  it('take no report that an agent without cookies sends again for the answer to an order that was lost', async () => {
    const { post, script, element: one, connection } = await bareSession('89860000000000000062');
    const [mine, next] = [connection(), connection()];
    await post('handshake', { secureElements: [one] }, server.port, mine);
    const polled = post('remoteManagement', POLLING, server.port, mine);
    const result = script(['80E20000', '80E28001', '80E28002']);
    expect(apdusOf((await polled).order)).to.deep.equal(['80E20000']);
    const second = await post('remoteManagement', ANSWERED, server.port, mine);
    expect(apdusOf(second.order)).to.deep.equal(['80E28001']);
    const again = post('remoteManagement', ANSWERED, server.port, next);
    const { result: ended } = await result;
    expect([ended?.failure?.code, ended?.responses.length]).to.deep.equal(['link-lost', 1]);
    expect(apdusOf((await again).order)).to.deep.equal([]);
    await Promise.all([mine.destroy(), next.destroy()]);
  });

  for (const [index, header] of ['forwarded', 'via', 'x-forwarded-for'].entries())
    it(`hold no connection for that of an agent without cookies where a request says ${header}`, async () => {
      const { post, script, element: one, connection } = await bareSession(`8986000000000000013${index}`);
      const mine = connection();
      const say = (path: string, body: object) => post(path, body, server.port, mine, { [header]: 'for=192.0.2.1' });
      await say('handshake', { secureElements: [one] });
      const polled = say('remoteManagement', POLLING);
      const result = script(['80E20000', '80E28001', '80E28002']);
      expect(apdusOf((await polled).order)).to.deep.equal(['80E20000']);
      expect(apdusOf((await say('remoteManagement', ANSWERED)).order)).to.deep.equal(['80E28001']);
      // The order behind it may have been lost.
      const again = say('remoteManagement', ANSWERED);
      const { result: ended } = await result;
      expect([ended?.failure?.code, ended?.responses.length]).to.deep.equal(['link-lost', 1]);
      expect(ended?.failure?.message).to.contain('cookies');
      expect(apdusOf((await again).order)).to.deep.equal([]);
      await mine.destroy();
    });

  it('give the order to the report that is waited for, and none to one whose connection has ended', async () => {
    const { post, script, started, element: one, connection } = await bareSession('89860000000000000070');
    const [mine, next] = [connection(), connection()];
    await post('handshake', { secureElements: [one] }, server.port, mine);
    const polled = post('remoteManagement', POLLING, server.port, mine).catch(() => 'gone');
    await started();
    await mine.destroy();
    expect(await polled).to.equal('gone');
    const held = post('remoteManagement', POLLING, server.port, next);
    const result = script(['80E20000']);
    const given = apdusOf((await held).order);
    const asked =
      given.length > 0 ? given : apdusOf((await post('remoteManagement', POLLING, server.port, next)).order);
    expect(asked).to.deep.equal(['80E20000']);
    const last = post('remoteManagement', ANSWERED, server.port, next);
    expect((await result).result).to.not.have.property('failure');
    await last;
    await next.destroy();
  });

  it('end no script whose order went out twice, where one of the two did not arrive', async () => {
    const { post, script, started, sessionId, element: one } = await bareSession('89860000000000000104');
    await post('handshake', { secureElements: [one] });
    const polls = [post('remoteManagement', POLLING)];
    await started();
    polls.push(post('remoteManagement', POLLING));
    const result = script(['80E20000']);
    const given = (await Promise.all(polls)).map(({ order }) => apdusOf(order));
    expect(given).to.deep.equal([['80E20000'], ['80E20000']]);
    await sessions.broken(sessionId, 1);
    const last = post('remoteManagement', ANSWERED);
    expect((await result).result).to.not.have.property('failure');
    await last;
  });

  it('have five minutes from the answer that brings the id, also where it is given again', async () => {
    const one = { seType: 'uicc', seId: '89860000000000000088' } as const;
    const action = { id: randomUUID(), card: `iccid:${one.seId}`, element: one };
    await addAction(database, {
      id: action.id,
      subject: 'alice',
      card: action.card,
      operation: 'top-up',
      pool: 'provider-a',
      request: { actionCode: 'TOPUP', ...one },
    });
    await sessions.openFor(action);
    const passes = (ms: number) =>
      sql`UPDATE seram_sessions
        SET body = jsonb_set(body, '{seenAt}', to_jsonb((body->>'seenAt')::float8 - ${ms}::float8))
        WHERE action_id = ${action.id}`.execute(database);
    await passes(295_000);
    const sessionId = (await sessions.openFor(action)) ?? '';
    await passes(10_000);
    expect(await sessions.handshake(sessionId, { secureElements: [one] })).to.have.property('binding');
  });

  it('end a contact whose phone has failed with what its agent said, which the log has too', async () => {
    const alice = { subject: 'alice' };
    const actions = contactsAfter(60_000);
    const one = { seType: 'uicc', seId: '89860000000000000096' } as const;
    await putUserCard(database, 'alice', `iccid:${one.seId}`);
    const key = randomUUID().replaceAll('-', '');
    const { sessionId = '', processId } = await actions.start(alice, key, { actionCode: 'CONTACT', ...one });
    const { binding } = (await sessions.handshake(sessionId, { secureElements: [one] })) as { binding: string };
    const said = { localAgentStatusEnum: 'UNGRANTED_ACCESS', errorMsg: 'no rule\n\u001B[2J for this app' } as const;
    const over = await sessions.report(sessionId, { localAgentStatus: said }, { binding }).catch((error) => error);
    expect(over).to.have.property('code', 'no-such-session');
    const words = 'UNGRANTED_ACCESS: no rule  [2J for this app';
    const { state, problem } = await actions.state(alice, processId, 0);
    expect([state, problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:phone-left']);
    expect(problem?.detail).to.contain(words);
    expect(failures).to.deep.equal([[processId, words]]);
  });

  it('let a phone go whose action has ended, although the node that noted the end died before it told', async () => {
    const common = { subject: 'alice', card: CARD, pool: 'provider-a' };
    const topUp = { ...common, id: 'd'.repeat(32), operation: 'top-up' } as const;
    await addAction(database, { ...topUp, request: { actionCode: 'TOPUP', ...element } });
    await finishAction(database, topUp.id, 'done', { outcome: 'credited' });
    expect(await heardBy(topUp.id)).to.deep.equal({ end: 'stopped', texts: ['top-up/credited'] });
    const process = 'e'.repeat(32);
    await addServiceAction(database, { ...common, id: process });
    await finishServiceAction(database, process, 'failed');
    expect(await heardBy(process)).to.deep.equal({ end: 'stopped', texts: ['process/failed'] });
  });
});
