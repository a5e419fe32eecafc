// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { Counter, Gauge } from 'prom-client';
import { type Static, Type } from 'typebox';
import { AdministrationServer } from '../bearer/bip/administration-server.ts';
import { BipBearer } from '../bearer/bip/bip-bearer.ts';
import { readerLinkBearer } from '../bearer/reader-link/reader-link-bearer.ts';
import { serveTerminalLinks, type TerminalLinkServer } from '../bearer/reader-link/terminal-link.ts';
import { reachesPhone, SeramReaders } from '../bearer/seram/seram-readers.ts';
import type { SmsOutbox } from '../bearer/sms/outbox.ts';
import { UsageError } from '../errors.ts';
import { RestClient } from '../rest/client.ts';
import { administrationKeyClient } from '../rest/clients/administration-keys.ts';
import { seramReadersClient } from '../rest/clients/seram-readers.ts';
import { remoteTerminalLink } from '../rest/clients/terminal-link.ts';
import type { Peer, TlsIdentity } from '../rest/identity.ts';
import { campaignRoutes } from '../rest/routes/ota/campaigns.ts';
import { packetCounterRoutes } from '../rest/routes/ota/packet-counters.ts';
import { otaRoutes } from '../rest/routes/ota/routes.ts';
import { subscriptionRoutes } from '../rest/routes/ota/subscriptions.ts';
import { cardPlaceRoutes } from '../rest/routes/ota/terminals.ts';
import { Administration } from '../service/ota/administration.ts';
import { BEARER_RATES, BearerChoice, type BearerName, type NamedBearer } from '../service/ota/bearer-choice.ts';
import { type CardBearer, delayed, recorded } from '../service/ota/card-bearer.ts';
import { CardPlaces } from '../service/ota/card-places.ts';
import { CardSessions } from '../service/ota/card-sessions.ts';
import { OtaNodes } from '../service/ota/nodes.ts';
import { issuerHolder, ProviderQuotas } from '../service/ota/provider-quotas.ts';
import { TerminalDirectory } from '../service/ota/terminal-directory.ts';
import { TrafficRecord } from '../service/ota/traffic-record.ts';
import type { Bells } from '../store/bells.ts';
import { databasePlace, openDatabase } from '../store/database.ts';
import { AdminSessionTable } from '../store/ota/admin-session-table.ts';
import { CampaignTable } from '../store/ota/campaign-table.ts';
import { LeaseTable, OTA_MIGRATIONS } from '../store/ota/lease-table.ts';
import { PacketTable } from '../store/ota/packet-table.ts';
import { QuotaTable } from '../store/ota/quota-table.ts';
import { SubscriptionTable } from '../store/ota/subscription-table.ts';
import { TerminalTable } from '../store/ota/terminal-table.ts';
import { ProviderId } from '../wire/message/operator.ts';
import { CardCalls, cardCaller } from './card-calls.ts';
import { daemonFields, databaseFields, FilePath, nodeFields, PeerEndpoint } from './config.ts';
import { type DaemonContext, defineDaemon } from './daemon.ts';
import { defaultNodeId, openNode } from './node.ts';
import { startSms } from './ota-sms.ts';
import { poolGauge } from './pool-gauge.ts';
import { SmsConfig } from './sms-config.ts';
import { waitFor } from './wait-for.ts';

/** By unit: a script at the reader, 1,000 bytes over BIP, a message over SMS. */
const BearerRateConfig = Type.Object(
  {
    /** Of a unit, in whatever money; default 0 at the reader, 1 over BIP, 10 over SMS. */
    price: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
    /** That a unit takes; default 200 at the reader, 1,000 over BIP, 3,000 over SMS. */
    ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
    /** Most units of one script; default any number. */
    most: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  { additionalProperties: false },
);

/** Who may use this server, and within which bounds. */
const Holder = Type.Object(
  {
    id: ProviderId,
    /** Cards that it may hold at once; default 1,024. */
    maxSessions: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    /** Its requests that may wait for a card; default 1,024. */
    maxWaiting: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    /** Its requests a second, in the mean; default 1,000. */
    requestsPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  },
  { additionalProperties: false },
);

export const OtaConfig = Type.Object(
  {
    ...daemonFields,
    ...databaseFields,
    ...nodeFields,
    /** Where the other nodes reach this one; default `listen`. */
    nodeUrl: Type.Optional(Type.String({ pattern: '^https://[^\\s/?#]+$', maxLength: 300 })),
    /** The providers that may use this server, each within its own bounds. */
    providers: Type.Array(Holder, { maxItems: 1_024 }),
    /** The issuer that reaches cards through this server for TSMs of others; default none. */
    issuer: Type.Optional(Holder),
    /** The front whose phones bring cards; default none. */
    front: Type.Optional(PeerEndpoint),
    /** How long a provider keeps a card without a sign of life; default 60,000. */
    leaseMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
    /** Added to each round trip to a terminal: for measurements of slow links. */
    addedDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    /** Ways to a card, in the order in which they are tried; default `reader` alone. */
    bearers: Type.Optional(
      Type.Array(Type.Union([Type.Literal('reader'), Type.Literal('bip'), Type.Literal('sms')]), {
        minItems: 1,
        maxItems: 3,
        uniqueItems: true,
      }),
    ),
    /** Which of the bearers that reach a card a script takes; default the first in `bearers`. */
    bearerChoice: Type.Optional(
      Type.Object(
        {
          /** What decides between bearers that reach the card in time; default `order` of `bearers`. */
          prefer: Type.Optional(Type.Union([Type.Literal('order'), Type.Literal('price'), Type.Literal('time')])),
          /** How long a bearer that did not reach a card comes last for it; default 300,000. */
          restMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
          /** What a script costs there. */
          reader: Type.Optional(BearerRateConfig),
          /** What 1,000 bytes cost. */
          bip: Type.Optional(BearerRateConfig),
          /** What a message costs. */
          sms: Type.Optional(BearerRateConfig),
        },
        { additionalProperties: false },
      ),
    ),
    /** The SMSC of the bearer `sms`, and the KMS that has the keys of secured packets. */
    sms: Type.Optional(SmsConfig),
    /** Where cards call for the bearer `bip`, and the KMS that has their pre-shared keys. */
    administration: Type.Optional(
      Type.Object(
        {
          /** Where cards call. */
          listen: daemonFields.listen,
          /** The KMS that has their keys. */
          kms: PeerEndpoint,
          /** How long a call waits for a script before the card is told to ask again; default 20,000. */
          holdMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 50_000 })),
          /** How long a card may take to call before the next bearer is tried; default 30,000. */
          callMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
          /** Cards with a number have agents of their own, which `sms` makes call; default only terminals have. */
          cards: Type.Optional(CardCalls),
        },
        { additionalProperties: false },
      ),
    ),
    /** Every script is written to this file: for tests only, it is all the traffic there is. */
    trafficRecord: Type.Optional(FilePath),
  },
  { additionalProperties: false },
);

const QUOTA = { maxSessions: 1_024, maxWaiting: 1_024, requestsPerSecond: 1_000 };
const DRAIN_MS = 8_000;
const PRUNE_MS = 3_600_000;

/** The OTA server: terminals connect to it, providers hold card sessions through it. */
export const otaDaemon = defineDaemon({
  name: 'ota',
  config: OtaConfig,
  async start(context) {
    const { config, logger, metrics, tls, self } = context;
    requireBearers(config);
    const store = await openStore(context);
    const { leases, table, calls, onError } = store;
    const { bells } = store.bells;
    const peers = new NodeClients(tls, self);
    let { port } = config.listen;
    const phones = config.front === undefined ? undefined : phonesOf(config.front, tls, bells);
    const terminals = new TerminalDirectory({
      ...(phones === undefined ? {} : { beyond: (id, name) => phones.readers.reader(id, name) }),
      table,
      bells,
      onError,
      address: () => config.nodeUrl ?? `https://${config.listen.host}:${port}`,
      linkTo: ({ address, terminalId }) => remoteTerminalLink(peers.at(address), terminalId),
    });
    const administration = administrationOf(config, calls, bells);
    const sms = await smsOf(context, store);
    const { subscriptions } = store;
    const sessions = sessionsOf(context, store, terminals, { administration, sms, subscriptions });
    const onNodes = (count: number) => sms?.shareRates(count);
    const nodes = new OtaNodes({ ...store, sessions, terminals, onNodes });
    await nodes.start();
    const pruneAll = () => Promise.all([leases.prune(), calls.prune(), sms?.prune()]);
    const prune = setInterval(() => void pruneAll().catch(onError), PRUNE_MS);
    let cards: Awaited<ReturnType<typeof serveCards>>;
    let links: TerminalLinkServer | undefined;
    return {
      routes: (app) => {
        otaRoutes(app, sessions, terminals, self.id);
        subscriptionRoutes(app, store.subscriptions, new Set(Object.keys(config.sms?.groups ?? {})));
        cardPlaceRoutes(app, new CardPlaces({ terminals, subscriptions, ...(phones === undefined ? {} : { phones }) }));
        if (sms === undefined) return;
        campaignRoutes(app, sms.campaigns);
        packetCounterRoutes(app, store.packets);
      },
      ready: () => leases.check(),
      listening: async (app) => {
        const address = app.server.address();
        if (typeof address === 'object' && address !== null) port = address.port;
        links = serveTerminalLinks(app, terminalEvents(terminals, sessions), logger);
        if (administration !== undefined) cards = await serveCards(config, administration, { tls, logger, metrics });
      },
      drain: async () => {
        await sessions.drain(DRAIN_MS);
        administration?.drain();
        links?.close();
      },
      close: async () => {
        clearInterval(prune);
        links?.close();
        await cards?.close();
        await sms?.close();
        await table.detachAll().catch(onError);
        await nodes.stop();
        await peers.close();
        await phones?.close();
        await store.close();
      },
    };
  },
});

type Config = Static<typeof OtaConfig>;

/** The server's tables, and what its nodes tell each other. */
async function openStore({ config, logger, metrics }: DaemonContext<Config>) {
  const onError = (error: Error) => logger.warn({ reason: error.message }, 'database connection failed');
  const { url } = config.database;
  const database = await waitFor(logger, `the database at ${databasePlace(url)}`, () =>
    openDatabase<unknown>({
      url,
      migrations: OTA_MIGRATIONS,
      connections: 16,
      onError,
      observe: (pool) => poolGauge(pool, metrics),
    }),
  );
  const nodeId = config.nodeId ?? defaultNodeId(config.listen.port);
  const bells = await openNode({ url, nodeId, logger, onError }).catch(async (error: unknown) => {
    await database.destroy();
    throw error;
  });
  const node = `${nodeId}/${randomBytes(6).toString('hex')}`;
  return {
    database,
    bells,
    nodeId,
    node,
    onError,
    leases: new LeaseTable(database, node),
    table: new TerminalTable(database, node),
    quotas: new QuotaTable(database, node),
    calls: new AdminSessionTable(database),
    packets: new PacketTable(database, node),
    subscriptions: new SubscriptionTable(database),
    campaigns: new CampaignTable(database),
    close: async () => {
      await bells[Symbol.asyncDispose]();
      await database.destroy();
    },
  };
}

type Store = Awaited<ReturnType<typeof openStore>>;

/** What the bearers beyond the reader link need; undefined for those that are not configured. */
interface Bearers {
  readonly administration: Administration | undefined;
  readonly sms: { readonly bearer: CardBearer; readonly outbox: SmsOutbox } | undefined;
  readonly subscriptions: SubscriptionTable;
}

async function smsOf(context: DaemonContext<Config>, { packets: table, subscriptions, campaigns, bells }: Store) {
  const { sms } = context.config;
  return sms === undefined
    ? undefined
    : startSms(sms, { table, subscriptions, campaigns, bells: bells.bells }, context);
}

function sessionsOf(
  { config, logger, metrics }: DaemonContext<Config>,
  { leases, quotas, bells, onError }: Store,
  terminals: TerminalDirectory,
  bearers: Bearers,
): CardSessions {
  if (config.trafficRecord !== undefined) logger.warn({ file: config.trafficRecord }, 'recording all card traffic');
  const sessions = new CardSessions({
    leases,
    terminals,
    bells: bells.bells,
    bearer: bearerOf(config, bearers, logger),
    onError,
    quotas: new ProviderQuotas(
      holdersOf(config).map((holder) => ({ ...QUOTA, ...holder })),
      { shared: quotas, onError },
    ),
    ...(config.leaseMs === undefined ? {} : { leaseMs: config.leaseMs }),
    onTrip: tripCounters(metrics, terminals),
  });
  new Gauge({
    name: 'opentsm_ota_card_sessions',
    help: 'card sessions that this node keeps in memory: one of each reader at most',
    registers: [metrics],
    collect() {
      this.set(sessions.remembered);
    },
  });
  return sessions;
}

const holdersOf = ({ providers, issuer }: Config): Static<typeof Holder>[] =>
  issuer === undefined ? providers : [...providers, { ...issuer, id: issuerHolder(issuer.id) }];

/** @throws UsageError `config-field` when a bearer is wanted and nothing is said of how */
function requireBearers({ administration, sms, bearers = [] }: Config): void {
  const needs = [['bip', 'administration', administration] as const, ['sms', 'sms', sms] as const];
  if (administration?.cards !== undefined && sms === undefined)
    throw new UsageError('config-field', '/sms: cards are made to call by it', { field: '/sms' });
  for (const [bearer, field, there] of needs)
    if (there === undefined && bearers.includes(bearer))
      throw new UsageError('config-field', `/${field}: the bearer ${bearer} needs it`, { field: `/${field}` });
}

function administrationOf({ administration }: Config, table: AdminSessionTable, bells: Bells) {
  if (administration === undefined) return undefined;
  const { holdMs, callMs } = administration;
  return new Administration({
    table,
    bells,
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(callMs === undefined ? {} : { callMs }),
  });
}

/** Opens the port that cards call. */
async function serveCards(
  { administration: wanted }: Config,
  administration: Administration,
  { tls, logger, metrics }: Pick<DaemonContext<unknown>, 'tls' | 'logger' | 'metrics'>,
) {
  if (wanted === undefined) return undefined;
  const { listen, kms } = wanted;
  const client = new RestClient({ baseUrl: kms.url, tls, expectedPeer: kms });
  const findKey = administrationKeyClient(client);
  const server = await AdministrationServer.listen({ ...listen, administration, findKey, logger });
  new Gauge({
    name: 'opentsm_ota_cards_connected',
    help: 'cards that have called and are connected to this node',
    registers: [metrics],
    collect() {
      this.set(server.size);
    },
  });
  const close = async () => {
    await server[Symbol.asyncDispose]();
    await client.close();
  };
  return { close };
}

/** How scripts go to cards, with what measurements and tests put around it. */
function bearerOf(config: Config, bearers: Bearers, logger: Logger): CardBearer {
  const { administration, sms } = bearers;
  const { bearers: names = ['reader'], addedDelayMs, trafficRecord } = config;
  const cards = cardCaller(config, bearers);
  const onError = (error: Error) => logger.warn({ reason: error.message }, 'an administration session did not end');
  const { bearerChoice = {} } = config;
  const bearer = (name: BearerName): CardBearer | undefined => {
    if (name === 'reader') return readerLinkBearer;
    if (name === 'sms') return sms?.bearer;
    return administration === undefined ? undefined : new BipBearer({ administration, ...cards, onError });
  };
  const named = names.flatMap((name): NamedBearer[] => {
    const found = bearer(name);
    return found === undefined ? [] : [{ name, bearer: found, rate: { ...BEARER_RATES[name], ...bearerChoice[name] } }];
  });
  const chosen = new BearerChoice(named, {
    ...(bearerChoice.prefer === undefined ? {} : { prefer: bearerChoice.prefer }),
    ...(bearerChoice.restMs === undefined ? {} : { restMs: bearerChoice.restMs }),
    onFallback: (from, to, reason) => logger.info({ from, to, reason }, 'takes another bearer'),
  });
  const reached = besidePhones(chosen);
  const slow = addedDelayMs === undefined ? reached : delayed(reached, addedDelayMs);
  return trafficRecord === undefined ? slow : recorded(slow, new TrafficRecord(trafficRecord));
}

/** Cards that the phones of a front bring. */
function phonesOf(front: PeerEndpoint, tls: TlsIdentity, bells: Bells) {
  const client = new RestClient({ baseUrl: front.url, tls, expectedPeer: front });
  const readers = new SeramReaders({ client: seramReadersClient(client), frontId: front.id, bells });
  const close = async () => {
    readers.close();
    await client.close();
  };
  const { terminalId } = readers;
  return { readers, close, terminalId, reader: readers.reader.bind(readers) };
}

/** A card in a phone is reached through it and no other way. */
const besidePhones = (bearer: CardBearer): CardBearer => ({
  exchange: (card, ...what) => (reachesPhone(card) ? readerLinkBearer : bearer).exchange(card, ...what),
  release: (card, fence) => (reachesPhone(card) ? readerLinkBearer : bearer).release(card, fence),
});

/** Clients of the other nodes, by address. */
class NodeClients {
  readonly #tls: TlsIdentity;
  readonly #self: Peer;
  readonly #clients = new Map<string, RestClient>();

  constructor(tls: TlsIdentity, self: Peer) {
    this.#tls = tls;
    this.#self = self;
  }

  at(baseUrl: string): RestClient {
    const known = this.#clients.get(baseUrl);
    if (known !== undefined) return known;
    const client = new RestClient({ baseUrl, tls: this.#tls, expectedPeer: this.#self });
    this.#clients.set(baseUrl, client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }
}

function terminalEvents(terminals: TerminalDirectory, sessions: CardSessions) {
  return {
    attached: async (...[link, readers]: Parameters<TerminalDirectory['attach']>) => {
      await terminals.attach(link, readers);
      await sessions.readersChanged(link.terminalId, readers);
    },
    readers: async (...[link, readers]: Parameters<TerminalDirectory['update']>) => {
      await terminals.update(link, readers);
      await sessions.readersChanged(link.terminalId, readers);
    },
    detached: (link: Parameters<TerminalDirectory['detach']>[0]) => terminals.detach(link),
  };
}

function tripCounters(metrics: DaemonContext<unknown>['metrics'], terminals: TerminalDirectory) {
  const trips = new Counter({
    name: 'opentsm_ota_round_trips_total',
    help: 'exchanges with terminals',
    registers: [metrics],
  });
  const apdus = new Counter({
    name: 'opentsm_ota_apdus_total',
    help: 'command APDUs sent to cards',
    registers: [metrics],
  });
  const bytes = new Counter({
    name: 'opentsm_ota_bytes_total',
    help: 'bytes to and from cards',
    labelNames: ['direction'],
    registers: [metrics],
  });
  new Gauge({
    name: 'opentsm_ota_terminals',
    help: 'terminals connected to this node',
    registers: [metrics],
    collect() {
      this.set(terminals.size);
    },
  });
  return (cost: { apdus: number; bytesOut: number; bytesIn: number }) => {
    trips.inc();
    apdus.inc(cost.apdus);
    bytes.inc({ direction: 'out' }, cost.bytesOut);
    bytes.inc({ direction: 'in' }, cost.bytesIn);
  };
}
