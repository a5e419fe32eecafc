// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import { RestClient } from '../rest/client.ts';
import { cardRelaysClient } from '../rest/clients/card-relays.ts';
import { kmsClient } from '../rest/clients/kms.ts';
import { otaClient } from '../rest/clients/ota.ts';
import { providerStatesClient } from '../rest/clients/provider-states.ts';
import type { TlsIdentity } from '../rest/identity.ts';
import { issuerRoutes } from '../rest/routes/issuer/routes.ts';
import { AuthenticationFuse } from '../service/authentication-fuse.ts';
import { FlowOperations, type FlowRows } from '../service/flow-operations.ts';
import { ApplicationRequests } from '../service/issuer/application-requests.ts';
import { Applications, CREATE_SECURITY_DOMAIN, ISD_KEY_SET } from '../service/issuer/applications.ts';
import { CardBatches } from '../service/issuer/card-batches.ts';
import { CardSearch } from '../service/issuer/card-search.ts';
import type { CardWays } from '../service/issuer/card-ways.ts';
import { Cards } from '../service/issuer/cards.ts';
import { Certificates } from '../service/issuer/certificates.ts';
import { ContentTokens } from '../service/issuer/content-tokens.ts';
import { Keys } from '../service/issuer/keys.ts';
import { Products } from '../service/issuer/products.ts';
import { Providers } from '../service/issuer/providers.ts';
import { SecureElements } from '../service/issuer/secure-elements.ts';
import { SecurityDomainResources } from '../service/issuer/security-domain-resources.ts';
import { OUTBOX_BELL, StateChangeOutbox } from '../service/issuer/state-change-outbox.ts';
import { AuditLog } from '../store/audit-log.ts';
import { AuthenticationFailures } from '../store/authentication-failures.ts';
import { checkDatabase } from '../store/database.ts';
import { finishApplicationRequest, reopenApplicationRequest } from '../store/issuer/application-requests.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../store/issuer/schema.ts';
import { finishRequest, reopenRequest } from '../store/issuer/security-domain-requests.ts';
import { ISSUER_FLOW_TABLES } from '../store/retention.ts';
import { decodeCapFile } from '../wire/cap/cap-file.ts';
import { Aid, Name } from '../wire/message/common.ts';
import type { IssuerSettings } from '../workflow/key-distribution/issuer-context.ts';
import type { Kms } from '../workflow/ports.ts';
import { FilePath, PeerEndpoint } from './config.ts';
import { type DaemonContext, defineDaemon } from './daemon.ts';
import { openFlowPlatform } from './flow-platform.ts';
import { outboxGauges } from './outbox-gauges.ts';
import { DEFAULTS, platformFields } from './platform-config.ts';
import { platformEntity } from './platform-entity.ts';

export const IssuerConfig = Type.Object(
  {
    ...platformFields,
    /** CAP file of the security domains, LOADed onto cards whose ISD is their maker's; without it those end at 44. */
    securityDomainPackage: Type.Optional(FilePath),
    /** Load files that cards have from their maker: used as they are, never deleted; without `model` on all cards. */
    preloaded: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** Of the cards' product; default all cards. */
            model: Type.Optional(Name),
            loadFileAids: Type.Array(Aid, { minItems: 1, maxItems: 256 }),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1_000 },
      ),
    ),
    /** The OTA server by which the issuer itself reaches cards for TSMs of others; default their relays alone. */
    ota: Type.Optional(PeerEndpoint),
  },
  { additionalProperties: false },
);

/** The card issuer management platform (SE TSM). */
export const issuerDaemon = defineDaemon({
  name: 'issuer',
  config: IssuerConfig,
  async start(context) {
    const { config, logger, metrics, tls } = context;
    const platform = await openFlowPlatform<IssuerTables>(context, ISSUER_MIGRATIONS);
    const { database, flow } = platform;
    const { bells } = platform.bells;
    const kmsRest = new RestClient({ baseUrl: config.kms.url, tls, expectedPeer: config.kms });
    const kms = kmsClient(kmsRest, platform.nodeId);
    const relays = new ProviderRelays(tls);
    const acting = await actingOf(context, database, kms);
    const auditLog = new AuditLog(database);
    const keys = new Keys(kms, acting);
    const failures = new AuthenticationFailures(database, config.authenticationLimit ?? DEFAULTS.authenticationLimit);
    const otaRest =
      config.ota === undefined ? undefined : new RestClient({ baseUrl: config.ota.url, tls, expectedPeer: config.ota });
    const ota = otaRest === undefined ? undefined : otaClient(otaRest);
    const ways: CardWays = {
      relaysOf: (providerId, baseUrl) => cardRelaysClient(relays.of(providerId, baseUrl)),
      ...(ota === undefined ? {} : { ota, search: new CardSearch(ota) }),
    };
    const parts = { database, kms, failures, flow, settings: acting, ...ways };
    const applications = new Applications(parts);
    const applicationRequests = new ApplicationRequests(parts);
    const engine = await platform.work({
      workflows: { [CREATE_SECURITY_DOMAIN]: applications, ...applicationRequests.workflows },
      flowTables: ISSUER_FLOW_TABLES,
      reconcile: async () => (await applications.endLost()) + (await applicationRequests.endLost()),
    });
    outboxGauges(database, metrics);
    const outbox = new StateChangeOutbox({
      database,
      bells,
      providerOf: (providerId, baseUrl) => providerStatesClient(relays.of(providerId, baseUrl)),
      onFailure: (provider, error) => logger.warn({ provider, reason: String(error) }, 'a state change waits'),
    });
    const services = {
      applications,
      applicationRequests,
      keys,
      auditLog,
      securityDomains: new SecurityDomainResources({
        database,
        applications,
        requests: applicationRequests,
        ways,
        auditLog,
      }),
      products: new Products({ database, auditLog, ring: () => bells.ring(OUTBOX_BELL) }),
      flows: new FlowOperations({ database, flow, auditLog, rows: flowRows(kms) }),
      fuse: new AuthenticationFuse({ failures, auditLog, keySet: ISD_KEY_SET }),
      cards: new Cards(database, auditLog),
      cardBatches: new CardBatches({ database, kms, auditLog }),
      secureElements: new SecureElements(database, auditLog, () => bells.ring(OUTBOX_BELL)),
      certificates: new Certificates(kms, auditLog),
      contentTokens: new ContentTokens({ database, kms, auditLog, settings: acting }),
      providers: new Providers(database, auditLog),
    };
    return {
      routes: (app) => issuerRoutes(app, services),
      ready: async () => {
        await checkDatabase(database);
        await keys.check();
      },
      drain: async () => {
        await outbox[Symbol.asyncDispose]();
        await engine.stop();
      },
      close: async () => {
        await Promise.all([kmsRest.close(), relays.close(), otaRest?.close()]);
        await platform[Symbol.asyncDispose]();
      },
    };
  },
});

/** As whom the issuer acts on cards, and what it brings onto those of other makers. */
async function actingOf(
  context: DaemonContext<Static<typeof IssuerConfig>>,
  database: Kysely<IssuerTables>,
  kms: Kms,
): Promise<IssuerSettings> {
  const { label, certificate } = await platformEntity(context, database, kms);
  const { securityDomainPackage: file, preloaded = [] } = context.config;
  const acting = { offCardEntityLabel: label, offCardEntityCertificate: certificate, preloaded };
  if (file === undefined) return acting;
  return { ...acting, securityDomainPackage: decodeCapFile(new Uint8Array(await readFile(file))) };
}

/** What operators do with a flow goes for all its kinds. */
const flowRows = (kms: Kms): FlowRows<IssuerTables> => ({
  fail: async (transaction, id, problem) => {
    await finishRequest(transaction, id, { problem });
    await finishApplicationRequest(transaction, id, problem);
  },
  reopen: async (transaction, id) =>
    (await reopenRequest(transaction, id)) || (await reopenApplicationRequest(transaction, id)),
  release: (id) => kms.endFlow(id).catch(() => {}),
});

/** One client per provider, at the address of the issuer's own registry. */
class ProviderRelays {
  readonly #tls: TlsIdentity;
  readonly #clients = new Map<string, { readonly baseUrl: string; readonly client: RestClient }>();

  constructor(tls: TlsIdentity) {
    this.#tls = tls;
  }

  of(providerId: string, baseUrl: string): RestClient {
    const known = this.#clients.get(providerId);
    if (known?.baseUrl === baseUrl) return known.client;
    void known?.client.close();
    const client = new RestClient({ baseUrl, tls: this.#tls, expectedPeer: { role: 'provider', id: providerId } });
    this.#clients.set(providerId, { baseUrl, client });
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.close()));
  }
}
