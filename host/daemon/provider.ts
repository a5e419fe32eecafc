// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import { AddressGuard } from '../rest/address-guard.ts';
import { RestClient } from '../rest/client.ts';
import { tokenIssuerClient } from '../rest/clients/content-tokens.ts';
import { issuerClient } from '../rest/clients/issuer.ts';
import { installerClient, loadPermitsClient } from '../rest/clients/issuer-products.ts';
import { kmsClient } from '../rest/clients/kms.ts';
import { otaClient } from '../rest/clients/ota.ts';
import { sposClient } from '../rest/clients/spos.ts';
import { providerRoutes } from '../rest/routes/provider/routes.ts';
import { AuthenticationFuse } from '../service/authentication-fuse.ts';
import { CardLinks } from '../service/card-links.ts';
import { FlowOperations, type FlowRows } from '../service/flow-operations.ts';
import { CardLocks } from '../service/provider/card-locks.ts';
import { CONTENT_CHANGE, ContentChanges } from '../service/provider/content-changes.ts';
import { KEY_DISTRIBUTION, KeyDistributions } from '../service/provider/key-distributions.ts';
import { ProductFlows } from '../service/provider/product-flows.ts';
import { ProductStates } from '../service/provider/product-states.ts';
import { Relays } from '../service/provider/relays.ts';
import { RENEWAL_BELL, Renewals } from '../service/provider/renewals.ts';
import { SecurityDomains } from '../service/provider/security-domains.ts';
import { ChipRanges } from '../service/provider/services/chip-ranges.ts';
import { AttributeBook } from '../service/provider/services/kept-attributes.ts';
import type { ProcessInput } from '../service/provider/services/process-input.ts';
import { ServiceCatalogue } from '../service/provider/services/service-catalogue.ts';
import { ServiceInstances } from '../service/provider/services/service-instances.ts';
import { ServiceProcesses } from '../service/provider/services/service-processes.ts';
import { ServiceScripts } from '../service/provider/services/service-scripts.ts';
import { SposOptions } from '../service/provider/services/spos-options.ts';
import { SposOutbox } from '../service/provider/services/spos-outbox.ts';
import { TsmsBackend } from '../service/provider/tsms/backend.ts';
import { AuditLog } from '../store/audit-log.ts';
import { AuthenticationFailures } from '../store/authentication-failures.ts';
import { checkDatabase } from '../store/database.ts';
import { finishKeyDistribution, reopenKeyDistribution } from '../store/provider/key-distributions.ts';
import { finishProductFlow, reopenProductFlow } from '../store/provider/product-flows.ts';
import { pruneRenewals } from '../store/provider/renewals.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../store/provider/schema.ts';
import { PROVIDER_FLOW_TABLES } from '../store/retention.ts';
import { AID, aidToHex } from '../wire/gp/aid.ts';
import { Aid } from '../wire/message/common.ts';
import type { ProviderSettings, ProviderStart } from '../workflow/key-distribution/provider-context.ts';
import type { Kms } from '../workflow/ports.ts';
import { PeerEndpoint } from './config.ts';
import { type DaemonContext, defineDaemon } from './daemon.ts';
import { type FlowPlatform, openFlowPlatform } from './flow-platform.ts';
import { DEFAULTS, platformFields } from './platform-config.ts';
import { platformEntity } from './platform-entity.ts';
import { ProductConfig, readProducts } from './products.ts';
import { TsmsConfig, TsmsListener } from './tsms-listener.ts';

export const ProviderConfig = Type.Object(
  {
    ...platformFields,
    /** By which it reaches cards. */
    ota: PeerEndpoint,
    /** Of the cards, asked for domains and permits. */
    issuer: PeerEndpoint,
    /** The provider's SSD has this AID on every card. */
    ssdAid: Aid,
    /** How long a flow waits for another one's lease on its card; default 30,000. */
    cardWaitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 120_000 })),
    /** Applications that the provider brings onto cards; default none. */
    products: Type.Optional(Type.Array(ProductConfig, { maxItems: 64 })),
    /** Where service providers reach the TSM-Backend; default nowhere. */
    tsms: Type.Optional(TsmsConfig),
  },
  { additionalProperties: false },
);

const DEFAULT_CARD_WAIT_MS = 30_000;
const DEFAULT_KEY_SIZE_BITS = 2048;

/** An application provider management platform (SP TSM). */
export const providerDaemon = defineDaemon({
  name: 'provider',
  config: ProviderConfig,
  async start(context) {
    const { config, logger, metrics, tls } = context;
    const platform = await openFlowPlatform<ProviderTables>(context, PROVIDER_MIGRATIONS);
    const { database } = platform;
    const peers = reachPeers(context, platform.nodeId);
    const { kms, links } = peers;
    const flows = await flowsOf(context, platform, peers);
    const { keyDistributions, productFlows, contentChanges, processes, failures, products } = flows;
    const engine = await platform.work({
      workflows: {
        [KEY_DISTRIBUTION]: keyDistributions,
        [CONTENT_CHANGE]: contentChanges,
        ...productFlows.workflows,
        ...processes.workflows,
      },
      flowTables: PROVIDER_FLOW_TABLES,
      forget: (days) => pruneRenewals(database, days),
      reconcile: async () =>
        (await keyDistributions.beginLost()) + (await productFlows.endLost()) + (await processes.endLost()),
    });
    const auditLog = new AuditLog(database);
    const outbox = new SposOutbox({
      database,
      bells: platform.bells.bells,
      now: () => new Date(),
      send: sposClient(() => tls, new AddressGuard(config.tsms?.sposNetworks)),
      onFailure: (notice, error) => logger.warn({ url: notice?.url, reason: String(error) }, 'a notice waits'),
    });
    const renewal = renewalOf(context, platform, peers, flows);
    const tsms = new TsmsBackend(database, auditLog, config.ssdAid);
    const listener = new TsmsListener({
      config: config.tsms,
      tls,
      logger,
      metrics,
      backend: tsms,
      extensions: {
        scripts: new ServiceScripts(database, kms.keys),
        attributes: new AttributeBook(database),
        sposOptions: new SposOptions(database),
      },
    });
    const services = {
      keyDistributions,
      productFlows,
      contentChanges,
      auditLog,
      tsms,
      processes,
      ...renewal,
      chips: new ChipRanges(database, auditLog),
      flows: new FlowOperations({ database, flow: platform.flow, auditLog, rows: flowRows(kms, links, processes) }),
      productStates: new ProductStates(database, auditLog, config.issuer.id, { kms: kms.purse, products }),
      fuse: new AuthenticationFuse({ failures, auditLog, keySet: config.ssdAid }),
      relays: new Relays(database, links),
      securityDomains: new SecurityDomains(database, auditLog),
    };
    return {
      routes: (app) => providerRoutes(app, services),
      ready: async () => {
        await checkDatabase(database);
        await kms.certificateAuthority();
      },
      listening: () => listener.open(),
      reload: () => listener.reload(),
      drain: async () => {
        await listener.close();
        await Promise.all([renewal.renewals, renewal.cardLocks].map((each) => each[Symbol.asyncDispose]()));
        await engine.stop();
        await outbox[Symbol.asyncDispose]();
      },
      close: async () => {
        await listener.close();
        await peers.close();
        await platform[Symbol.asyncDispose]();
      },
    };
  },
});

type Context = DaemonContext<Static<typeof ProviderConfig>>;

/** Clients of the daemons that the provider asks, and the way to its cards. */
function reachPeers({ config, tls }: Context, nodeId: string) {
  const clientOf = (peer: typeof config.kms) => new RestClient({ baseUrl: peer.url, tls, expectedPeer: peer });
  const clients = { kms: clientOf(config.kms), ota: clientOf(config.ota), issuer: clientOf(config.issuer) };
  const ota = otaClient(clients.ota);
  return {
    kms: kmsClient(clients.kms, nodeId),
    links: new CardLinks(ota, config.cardWaitMs ?? DEFAULT_CARD_WAIT_MS),
    placesOf: ota.placesOf,
    issuer: issuerClient(clients.issuer),
    installer: installerClient(clients.issuer),
    permits: loadPermitsClient(clients.issuer),
    tokens: tokenIssuerClient(clients.issuer),
    close: () => Promise.all(Object.values(clients).map((client) => client.close())),
  };
}

/** Who the provider is to cards and to the issuer: known once its KMS has answered. */
async function settingsOf(context: Context, database: Kysely<ProviderTables>, kms: Kms): Promise<ProviderSettings> {
  const { config, self } = context;
  const entity = await platformEntity(context, database, kms);
  const { holderReference, publicKey } = await kms.certificateAuthority();
  return {
    providerId: self.id,
    issuerId: config.issuer.id,
    ssdAid: config.ssdAid,
    defaultIsdAid: aidToHex(AID.ISSUER_SECURITY_DOMAIN),
    offCardEntityLabel: entity.label,
    offCardEntityCertificate: entity.certificate,
    applicationProviderId: config.holderReference,
    trustPoint: { holderReference, publicKey },
  };
}

/** The flows that the provider runs, and its products with their key sets. */
async function flowsOf(
  context: Context,
  { database, flow }: FlowPlatform<ProviderTables>,
  { kms, links, issuer, installer, permits, tokens }: ReturnType<typeof reachPeers>,
) {
  const { config } = context;
  const settings = await settingsOf(context, database, kms);
  const limit = config.authenticationLimit ?? DEFAULTS.authenticationLimit;
  const failures = new AuthenticationFailures(database, limit);
  const parts = { database, kms, links, failures, flow, issuer, settings };
  const products = await readProducts(config.products ?? []);
  for (const { keySet: label, algorithm } of products) await kms.purse.createKeySet({ label, algorithm });
  const catalogue = new ServiceCatalogue(database);
  const keyDistributions = new KeyDistributions(parts);
  const keySizeBits = config.tsms?.keySizeBits ?? DEFAULT_KEY_SIZE_BITS;
  const contentChanges = new ContentChanges({ ...parts, tokens });
  const inDomain = { keyDistributions, contentChanges, installer, permits, keySizeBits };
  return {
    failures,
    products,
    catalogue,
    keyDistributions,
    contentChanges,
    productFlows: new ProductFlows({ ...parts, products, installer, permits }),
    processes: new ServiceProcesses({ ...parts, ...inDomain, catalogue }),
  };
}

/** Instances of services, what brings them onto cards that replace theirs, and what locks them on lost ones. */
function renewalOf(
  { config, logger }: Context,
  { database, bells: { bells } }: FlowPlatform<ProviderTables>,
  { placesOf }: ReturnType<typeof reachPeers>,
  { keyDistributions, productFlows, processes, catalogue }: Awaited<ReturnType<typeof flowsOf>>,
) {
  const instances = new ServiceInstances(database, catalogue, () => bells.ring(RENEWAL_BELL));
  const renewals = new Renewals({
    database,
    auditLog: new AuditLog(database),
    bells,
    keyDistributions,
    productFlows,
    processes,
    instances,
    placesOf,
    keySizeBits: config.tsms?.keySizeBits ?? DEFAULT_KEY_SIZE_BITS,
    onFailure: (instanceId, error) => logger.warn({ instanceId, reason: String(error) }, 'a renewal waits'),
  });
  const cardLocks = new CardLocks({
    database,
    bells,
    processes,
    placesOf,
    onFailure: (instanceId, error) => logger.warn({ instanceId, reason: String(error) }, 'a lock of a card waits'),
  });
  return { instances, renewals, cardLocks };
}

/** What operators do with a flow goes for all its kinds. */
const flowRows = (kms: Kms, links: CardLinks, processes: ServiceProcesses): FlowRows<ProviderTables> => ({
  fail: async (transaction, id, problem) => {
    await finishKeyDistribution(transaction, id, 'failed', { problem });
    await finishProductFlow(transaction, id, 'failed', { problem });
    await processes.givenUp(transaction, id, problem);
  },
  reopen: async (transaction, id) =>
    (await reopenKeyDistribution(transaction, id)) || (await reopenProductFlow(transaction, id)),
  release: async (id, input) => {
    // The engine hands back what was asked for; all flows of the provider name the reader of their card.
    const asked = input as ProviderStart | ProcessInput;
    await links.giveBack(id, 'start' in asked ? asked.start : asked);
    await kms.endFlow(id).catch(() => {});
  },
});
