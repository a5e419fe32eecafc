// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { RestClient } from '../rest/client.ts';
import { issuerClient } from '../rest/clients/issuer.ts';
import { installerClient, loadPermitsClient } from '../rest/clients/issuer-products.ts';
import { kmsClient } from '../rest/clients/kms.ts';
import { otaClient } from '../rest/clients/ota.ts';
import { providerRoutes } from '../rest/routes/provider/routes.ts';
import { AuthenticationFuse } from '../service/authentication-fuse.ts';
import { DurableFlow } from '../service/durable-flow.ts';
import { FlowOperations } from '../service/flow-operations.ts';
import { provideOffCardEntity } from '../service/off-card-entity.ts';
import { CardLinks } from '../service/provider/card-links.ts';
import { KEY_DISTRIBUTION, KeyDistributions } from '../service/provider/key-distributions.ts';
import { ProductFlows } from '../service/provider/product-flows.ts';
import { ProductStates } from '../service/provider/product-states.ts';
import { Relays } from '../service/provider/relays.ts';
import { SecurityDomains } from '../service/provider/security-domains.ts';
import { ChipRanges } from '../service/provider/services/chip-ranges.ts';
import { ServiceCatalogue } from '../service/provider/services/service-catalogue.ts';
import { ServiceInstances } from '../service/provider/services/service-instances.ts';
import { ServiceProcesses } from '../service/provider/services/service-processes.ts';
import { TsmsBackend } from '../service/provider/tsms/backend.ts';
import { AuditLog } from '../store/audit-log.ts';
import { AuthenticationFailures } from '../store/authentication-failures.ts';
import { checkDatabase } from '../store/database.ts';
import { finishKeyDistribution, reopenKeyDistribution } from '../store/provider/key-distributions.ts';
import { finishProductFlow, reopenProductFlow } from '../store/provider/product-flows.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../store/provider/schema.ts';
import { PROVIDER_FLOW_TABLES } from '../store/retention.ts';
import { AID, aidToHex } from '../wire/gp/aid.ts';
import { Aid } from '../wire/message/common.ts';
import { PeerEndpoint } from './config.ts';
import { defineDaemon } from './daemon.ts';
import { openFlowPlatform } from './flow-platform.ts';
import { flowWatch } from './flow-watch.ts';
import { DEFAULTS, OFF_CARD_ENTITY_LABEL, platformFields } from './platform-config.ts';
import { ProductConfig, readProducts } from './products.ts';
import { TsmsConfig, TsmsListener } from './tsms-listener.ts';
import { waitFor } from './wait-for.ts';

export const ProviderConfig = Type.Object(
  {
    ...platformFields,
    ota: PeerEndpoint,
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
  async start({ config, logger, metrics, tls, self }) {
    const settings = { ...DEFAULTS, ...config };
    const platform = await openFlowPlatform<ProviderTables>({ config, logger, metrics }, PROVIDER_MIGRATIONS);
    const { database } = platform;
    const clientOf = (peer: typeof config.kms) => new RestClient({ baseUrl: peer.url, tls, expectedPeer: peer });
    const clients = { kms: clientOf(config.kms), ota: clientOf(config.ota), issuer: clientOf(config.issuer) };
    const kms = kmsClient(clients.kms, platform.nodeId);
    const entity = await waitFor(logger, `the KMS at ${config.kms.url}`, () =>
      provideOffCardEntity(database, kms, {
        label: OFF_CARD_ENTITY_LABEL,
        holderReference: config.holderReference,
        keySizeBits: settings.offCardEntityKeySizeBits,
      }),
    );
    const { holderReference, publicKey } = await kms.certificateAuthority();
    const auditLog = new AuditLog(database);
    const failures = new AuthenticationFailures(database, settings.authenticationLimit);
    const links = new CardLinks(otaClient(clients.ota), config.cardWaitMs ?? DEFAULT_CARD_WAIT_MS);
    const flow = new DurableFlow({
      ...{
        database,
        bells: platform.bells.bells,
        windowMs: settings.resumeWindowMs,
        watch: flowWatch({ logger, metrics }),
      },
    });
    const issuer = issuerClient(clients.issuer);
    const providerSettings = {
      ...{ providerId: self.id, issuerId: config.issuer.id, ssdAid: config.ssdAid },
      defaultIsdAid: aidToHex(AID.ISSUER_SECURITY_DOMAIN),
      offCardEntityLabel: entity.label,
      offCardEntityCertificate: entity.certificate,
      applicationProviderId: config.holderReference,
      trustPoint: { holderReference, publicKey },
    };
    const flowParts = { database, kms, links, failures, flow, issuer, settings: providerSettings };
    const keyDistributions = new KeyDistributions(flowParts);
    const products = await readProducts(config.products ?? []);
    for (const { keySet: label, algorithm } of products) await kms.purse.createKeySet({ label, algorithm });
    const productFlows = new ProductFlows({
      ...{ ...flowParts, products },
      ...{ installer: installerClient(clients.issuer), permits: loadPermitsClient(clients.issuer) },
    });
    const catalogue = new ServiceCatalogue(database);
    const processes = new ServiceProcesses({
      ...{ ...flowParts, catalogue, keyDistributions },
      ...{ installer: installerClient(clients.issuer), keySizeBits: config.tsms?.keySizeBits ?? DEFAULT_KEY_SIZE_BITS },
    });
    const engine = await platform.work({
      workflows: { [KEY_DISTRIBUTION]: keyDistributions, ...productFlows.workflows, ...processes.workflows },
      attach: (started) => flow.attach(started),
      ended: (run) => flow.ended(run),
      flowTables: PROVIDER_FLOW_TABLES,
      reconcile: async () =>
        (await keyDistributions.beginLost()) + (await productFlows.endLost()) + (await processes.endLost()),
    });
    const flows = new FlowOperations({
      ...{ database, flow, auditLog },
      rows: {
        fail: async (transaction, id, problem) => {
          await finishKeyDistribution(transaction, id, 'failed', { problem });
          await finishProductFlow(transaction, id, 'failed', { problem });
          await processes.givenUp(transaction, id, problem);
        },
        reopen: async (transaction, id) =>
          (await reopenKeyDistribution(transaction, id)) || (await reopenProductFlow(transaction, id)),
      },
    });
    const tsms = new TsmsBackend(database, auditLog, config.ssdAid);
    const listener = new TsmsListener({ config: config.tsms, tls, logger, backend: tsms });
    const services = {
      ...{ keyDistributions, productFlows, flows, auditLog, tsms, processes },
      instances: new ServiceInstances(database, catalogue),
      chips: new ChipRanges(database, auditLog),
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
        await engine.stop();
      },
      close: async () => {
        await listener.close();
        await Promise.all(Object.values(clients).map((client) => client.close()));
        await platform[Symbol.asyncDispose]();
      },
    };
  },
});
