// SPDX-License-Identifier: Apache-2.0
import type { AddressInfo } from 'node:net';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { type Static, Type } from 'typebox';
import { seramTerminal } from '../bearer/seram/seram-readers.ts';
import { NotFoundError } from '../errors.ts';
import type { RestApp } from '../rest/app.ts';
import { lossReportsClient, servicesClient, topUpsClient } from '../rest/clients/front-backends.ts';
import { type Peer, peerUri, type TlsIdentity } from '../rest/identity.ts';
import { type Caller, NodePool } from '../rest/node-pool.ts';
import { RateLimits } from '../rest/rate-limit.ts';
import { appSideRoutes, frontRoutes } from '../rest/routes/front/routes.ts';
import { createRestServer } from '../rest/server.ts';
import { UserTokens } from '../rest/user-tokens.ts';
import { Actions } from '../service/front/actions.ts';
import type { Backends } from '../service/front/ports.ts';
import { RouteBook } from '../service/front/route-book.ts';
import { SeramSessions } from '../service/front/seram-sessions.ts';
import { ServiceNodeBeats } from '../service/front/service-nodes.ts';
import { TsmApi } from '../service/front/tsm-api.ts';
import { UserCardBook } from '../service/front/user-cards.ts';
import { AuditLog } from '../store/audit-log.ts';
import type { Bells } from '../store/bells.ts';
import { checkDatabase, databasePlace, openDatabase } from '../store/database.ts';
import { FRONT_MIGRATIONS, type FrontTables, grantAppSide } from '../store/front/schema.ts';
import { pruneSessions } from '../store/front/seram-sessions.ts';
import type { CardId } from '../wire/message/common.ts';
import { Operation, type PoolNode, Rule } from '../wire/message/front.ts';
import { daemonFields, databaseFields, FilePath, nodeFields, PeerEndpoint } from './config.ts';
import { type DaemonContext, defineDaemon } from './daemon.ts';
import { openProxy, ProxyConfig, speakersOf } from './front-proxy.ts';
import { defaultNodeId, openNode } from './node.ts';
import { nodeGauges } from './node-gauges.ts';
import { poolGauge } from './pool-gauge.ts';
import { waitFor } from './wait-for.ts';

const closed = { additionalProperties: false } as const;
const Url = Type.String({ pattern: '^https://[^\\s?#]+$', maxLength: 1_000 });

const Claims = Type.Array(Type.String({ pattern: '^[!#-\\[\\]-~]{1,100}$' }), { minItems: 1, maxItems: 16 });

export const FrontConfig = Type.Object(
  {
    ...daemonFields,
    ...databaseFields,
    ...nodeFields,
    /** Phone apps and their agents: a listener and a database role of their own. */
    appSide: Type.Object(
      {
        listen: daemonFields.listen,
        ...databaseFields,
        /** Where phones reach it; default `listen`. */
        publicUrl: Type.Optional(Url),
      },
      closed,
    ),
    /** Whose tokens name users. */
    users: Type.Object(
      {
        /** `iss` of the tokens. */
        issuer: Type.String({ minLength: 1, maxLength: 500 }),
        /** `aud` of the tokens. */
        audience: Type.String({ minLength: 1, maxLength: 200 }),
        /** Where the issuer publishes its keys; or `jwksFile`, a file of them. */
        jwksUrl: Type.Optional(Url),
        /** JSON Web Key Set, read at start. */
        jwksFile: Type.Optional(FilePath),
        /** Networks in which `jwksUrl` may be although they are private, `10.0.0.0/8`. */
        allowNetworks: Type.Optional(Type.Array(Type.String({ minLength: 3, maxLength: 50 }), { maxItems: 64 })),
        /** Operations that want a stronger or newer login: claims `acr`, `amr`, `auth_time` of the token. */
        stepUp: Type.Optional(
          Type.Object(
            {
              operations: Type.Array(Operation, { minItems: 1, maxItems: 8 }),
              /** One of these must be the token's `acr`. */
              acr: Type.Optional(Claims),
              /** All of these must be in the token's `amr`. */
              amr: Type.Optional(Claims),
              /** Since `auth_time`. */
              maxAgeSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    /** The platforms behind, by the name that rules call them. */
    pools: Type.Record(Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }), PeerEndpoint),
    /** Static routes: which action goes to which pool. */
    rules: Type.Array(Rule, { maxItems: 1_000 }),
    /** Pool of the SP TSM whose TSM-API apps reach here; default none. */
    tsmApi: Type.Optional(Type.Object({ pool: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }) }, closed)),
    /** Routes of ours below /ext beside the two standards; default true. */
    extensions: Type.Optional(Type.Boolean()),
    /** How often one caller may ask the app side. */
    rate: Type.Optional(RateLimits),
    /** A reverse proxy of services behind, on a listener of its own. */
    proxy: Type.Optional(ProxyConfig),
  },
  closed,
);

const APP_CONNECTIONS = 16;
const PRUNE_MS = 3_600_000;
const TAKE_UP_MS = 5_000;

/** The TSM front: the one entrance for phone apps, and the way to cards in phones. */
export const frontDaemon = defineDaemon({
  name: 'front',
  config: FrontConfig,
  async start({ config, logger, metrics, tls, self, version }) {
    const users = await UserTokens.open(config.users);
    const onError = (error: Error) => logger.warn({ reason: error.message }, 'database connection failed');
    await using parts = new AsyncDisposableStack();
    const { database, appDatabase } = await openDatabases(config, { logger, metrics, parts, onError });
    const nodeId = config.nodeId ?? defaultNodeId(config.listen.port);
    const { bells } = parts.use(await openNode({ url: config.database.url, nodeId, logger, onError }));
    const backends = parts.use(new Pools(config.pools, tls));
    const pools = Object.keys(config.pools);
    const routeBook = parts.use(await RouteBook.open({ database, bells, fixed: config.rules, pools, onError }));
    const { listen } = config.appSide;
    let appPort = listen.port;
    const { sessions, actions, tsmApi } = operationsOf(config, {
      database: appDatabase,
      bells,
      backends,
      routeBook,
      self,
      port: () => appPort,
      logger,
      onError: (error: Error) => logger.warn({ reason: error.message }, 'a platform behind does not answer'),
    });
    const auditLog = new AuditLog(database);
    const userCards = new UserCardBook(database, auditLog);
    const beats = parts.use(new ServiceNodeBeats(database, speakersOf(config.proxy), onError));
    await beats.look();
    const proxy = await openProxy(config.proxy, { tls, logger, metrics, users, beats });
    parts.defer(() => proxy.close());
    const nodes = () => [...backends.nodes, ...proxy.nodes];
    nodeGauges(nodes, metrics);
    const prune = setInterval(() => void pruneSessions(appDatabase).catch(onError), PRUNE_MS);
    const takeUp = setInterval(() => void actions.takeUpLost().catch(onError), TAKE_UP_MS);
    parts.defer(() => {
      clearInterval(prune);
      clearInterval(takeUp);
    });
    let appSide: RestApp | undefined;
    const held = parts.move();
    return {
      routes: (own) => frontRoutes(own, { sessions, userCards, routeBook, auditLog, nodes, beats }),
      ready: () => checkDatabase(appDatabase),
      listening: async () => {
        appSide = await createRestServer({
          self,
          version,
          tls,
          logger,
          metrics: new Registry(),
          users,
          rate: config.rate ?? {},
          ready: () => checkDatabase(appDatabase),
          routes: (own) =>
            appSideRoutes(own, {
              actions,
              sessions,
              tsmApi,
              extensions: config.extensions ?? true,
              cookiePath: new URL(endpointOf(config.appSide.publicUrl ?? 'https://localhost')).pathname,
            }),
        });
        await appSide.listen(listen);
        await proxy.listen();
        appPort = (appSide.server.address() as AddressInfo).port;
      },
      reload: async () => {
        const { key, certificate: cert, authority: ca } = tls;
        appSide?.server.setSecureContext({ key, cert, ca, minVersion: 'TLSv1.2' });
        proxy.reload();
      },
      drain: async () => {
        actions.drain();
        tsmApi?.drain();
        sessions.drain();
        await Promise.all([appSide?.close(), proxy.drain()]);
      },
      close: async () => {
        await appSide?.close();
        await held.disposeAsync();
      },
    };
  },
});

/** Both roles of the database: the owner's, and the one that the app side works with. */
async function openDatabases(
  config: Static<typeof FrontConfig>,
  use: Pick<DaemonContext<unknown>, 'logger' | 'metrics'> & {
    readonly parts: AsyncDisposableStack;
    readonly onError: (error: Error) => void;
  },
) {
  const { logger, metrics, parts, onError } = use;
  const { url } = config.database;
  const database = await waitFor(logger, `the database at ${databasePlace(url)}`, () =>
    openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS, connections: 4, onError }),
  );
  parts.defer(() => database.destroy());
  const app = config.appSide.database.url;
  await grantAppSide(database, decodeURIComponent(new URL(app).username));
  const appDatabase = await openDatabase<FrontTables>({
    url: app,
    migrations: [],
    connections: APP_CONNECTIONS,
    onError,
    observe: (pool) => poolGauge(pool, metrics),
  });
  parts.defer(() => appDatabase.destroy());
  return { database, appDatabase };
}

/** The remote agent at this address. */
const endpointOf = (address: string): string => `${address}/gp/seram`;

/** What phones do here: sessions with their cards, and the operations that wait in them. */
function operationsOf(
  { appSide: { listen, publicUrl }, tsmApi: api, users }: Static<typeof FrontConfig>,
  use: {
    readonly database: Kysely<FrontTables>;
    readonly bells: Bells;
    readonly backends: Backends;
    readonly routeBook: RouteBook;
    readonly self: Peer;
    /** Where the app side listens, once it does. */
    readonly port: () => number;
    readonly onError: (error: Error) => void;
    readonly logger: Logger;
  },
) {
  const { database, bells, backends, routeBook, self, port, onError, logger } = use;
  // The sessions tell the operations who waits, the operations tell the sessions what has ended.
  const watch = (id: string) => {
    actions.watch(id);
    tsmApi?.watch(id);
  };
  const onFailed = (action: string, reason: string) => logger.warn({ action, reason }, 'the agent of a phone failed');
  const sessions = new SeramSessions({ database, bells, onWaiting: watch, onFailed });
  const common = {
    database,
    sessions,
    backends,
    onError,
    terminalId: seramTerminal(self.id),
    raEndpoint: () => endpointOf(publicUrl ?? `https://${listen.host}:${port()}`),
  };
  const { stepUp } = users;
  if (stepUp?.operations.includes('loss-report') !== true)
    logger.warn({ setting: 'users.stepUp' }, 'a loss report asks for no stronger login than any other action');
  const actions: Actions = new Actions({
    ...common,
    route: (request, card) => routeBook.choose(request, card),
    ...(stepUp === undefined ? {} : { stepUp }),
    ...(api === undefined ? {} : { onContact: (card: CardId) => backends.services(api.pool).contact(card) }),
  });
  const tsmApi = api === undefined ? undefined : new TsmApi({ ...common, pool: api.pool, self: peerUri(self) });
  return { sessions, actions, tsmApi };
}

/** The platforms behind with all their nodes, by the name of their pool. */
class Pools implements Backends, AsyncDisposable {
  readonly #pools: ReadonlyMap<string, NodePool>;

  constructor(pools: Static<typeof FrontConfig>['pools'], tls: TlsIdentity) {
    this.#pools = new Map(
      Object.entries(pools).map(([name, peer]) => [name, new NodePool({ baseUrl: peer.url, tls, expectedPeer: peer })]),
    );
  }

  topUps(pool: string) {
    return topUpsClient(this.#pool(pool));
  }

  lossReports(pool: string) {
    return lossReportsClient(this.#pool(pool));
  }

  services(pool: string) {
    return servicesClient(this.#pool(pool));
  }

  get nodes(): PoolNode[] {
    return [...this.#pools].flatMap(([pool, { nodes }]) => nodes.map((node) => ({ pool, ...node })));
  }

  #pool(name: string): Caller {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new NotFoundError('no-such-pool', `There is no pool ${name}: name it in the config`);
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }
}
