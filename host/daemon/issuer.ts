// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import { RestClient } from '../rest/client.ts';
import { cardRelaysClient } from '../rest/clients/card-relays.ts';
import { kmsClient } from '../rest/clients/kms.ts';
import { providerStatesClient } from '../rest/clients/provider-states.ts';
import type { TlsIdentity } from '../rest/identity.ts';
import { issuerRoutes } from '../rest/routes/issuer/routes.ts';
import { AuthenticationFuse } from '../service/authentication-fuse.ts';
import { DurableFlow } from '../service/durable-flow.ts';
import { FlowOperations } from '../service/flow-operations.ts';
import { ApplicationRequests } from '../service/issuer/application-requests.ts';
import { Applications, CREATE_SECURITY_DOMAIN, ISD_KEY_SET } from '../service/issuer/applications.ts';
import { CardBatches } from '../service/issuer/card-batches.ts';
import { Cards } from '../service/issuer/cards.ts';
import { Certificates } from '../service/issuer/certificates.ts';
import { Keys } from '../service/issuer/keys.ts';
import { Products } from '../service/issuer/products.ts';
import { Providers } from '../service/issuer/providers.ts';
import { SecureElements } from '../service/issuer/secure-elements.ts';
import { OUTBOX_BELL, StateChangeOutbox } from '../service/issuer/state-change-outbox.ts';
import { provideOffCardEntity } from '../service/off-card-entity.ts';
import { AuditLog } from '../store/audit-log.ts';
import { AuthenticationFailures } from '../store/authentication-failures.ts';
import { checkDatabase } from '../store/database.ts';
import { finishApplicationRequest, reopenApplicationRequest } from '../store/issuer/application-requests.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../store/issuer/schema.ts';
import { finishRequest, reopenRequest } from '../store/issuer/security-domain-requests.ts';
import { ISSUER_FLOW_TABLES } from '../store/retention.ts';
import { decodeCapFile } from '../wire/cap/cap-file.ts';
import { FilePath } from './config.ts';
import { defineDaemon } from './daemon.ts';
import { openFlowPlatform } from './flow-platform.ts';
import { flowWatch } from './flow-watch.ts';
import { DEFAULTS, OFF_CARD_ENTITY_LABEL, platformFields } from './platform-config.ts';
import { waitFor } from './wait-for.ts';

export const IssuerConfig = Type.Object(
  {
    ...platformFields,
    /** CAP file of the security domains, LOADed onto cards whose ISD is their maker's; without it those end at 44. */
    securityDomainPackage: Type.Optional(FilePath),
  },
  { additionalProperties: false },
);

/** The card issuer management platform (SE TSM). */
export const issuerDaemon = defineDaemon({
  name: 'issuer',
  config: IssuerConfig,
  async start({ config, logger, metrics, tls }) {
    const settings = { ...DEFAULTS, ...config };
    const platform = await openFlowPlatform<IssuerTables>({ config, logger, metrics }, ISSUER_MIGRATIONS);
    const { database } = platform;
    const kmsRest = new RestClient({ baseUrl: config.kms.url, tls, expectedPeer: config.kms });
    const kms = kmsClient(kmsRest, platform.nodeId);
    const relays = new ProviderRelays(tls);
    const entity = await waitFor(logger, `the KMS at ${config.kms.url}`, () =>
      provideOffCardEntity(database, kms, {
        label: OFF_CARD_ENTITY_LABEL,
        holderReference: config.holderReference,
        keySizeBits: settings.offCardEntityKeySizeBits,
      }),
    );
    const { securityDomainPackage: file } = config;
    const securityDomainPackage = file === undefined ? undefined : decodeCapFile(new Uint8Array(await readFile(file)));
    const acting = {
      ...{ offCardEntityLabel: entity.label, offCardEntityCertificate: entity.certificate },
      ...(securityDomainPackage === undefined ? {} : { securityDomainPackage }),
    };
    const keys = new Keys(kms, acting);
    const auditLog = new AuditLog(database);
    const failures = new AuthenticationFailures(database, settings.authenticationLimit);
    const flow = new DurableFlow({
      ...{
        database,
        bells: platform.bells.bells,
        windowMs: settings.resumeWindowMs,
        watch: flowWatch({ logger, metrics }),
      },
    });
    const applications = new Applications({
      ...{ database, kms, failures, flow, settings: acting },
      relaysOf: (providerId, baseUrl) => cardRelaysClient(relays.of(providerId, baseUrl)),
    });
    const applicationRequests = new ApplicationRequests({
      ...{ database, kms, failures, flow, settings: acting },
      relaysOf: (providerId, baseUrl) => cardRelaysClient(relays.of(providerId, baseUrl)),
    });
    const { bells } = platform.bells;
    const products = new Products({ database, auditLog, ring: () => bells.ring(OUTBOX_BELL) });
    const engine = await platform.work({
      workflows: { [CREATE_SECURITY_DOMAIN]: applications, ...applicationRequests.workflows },
      attach: (started) => flow.attach(started),
      ended: (run) => flow.ended(run),
      flowTables: ISSUER_FLOW_TABLES,
      reconcile: async () => (await applications.endLost()) + (await applicationRequests.endLost()),
    });
    const outbox = new StateChangeOutbox({
      ...{ database, bells },
      providerOf: (providerId, baseUrl) => providerStatesClient(relays.of(providerId, baseUrl)),
      onFailure: (provider, error) => logger.warn({ provider, reason: String(error) }, 'a state change waits'),
    });
    const flows = new FlowOperations({
      ...{ database, flow, auditLog },
      rows: {
        fail: async (transaction, id, problem) => {
          await finishRequest(transaction, id, { problem });
          await finishApplicationRequest(transaction, id, problem);
        },
        reopen: async (transaction, id) =>
          (await reopenRequest(transaction, id)) || (await reopenApplicationRequest(transaction, id)),
      },
    });
    const services = {
      ...{ applications, applicationRequests, products, flows, keys, auditLog },
      fuse: new AuthenticationFuse({ failures, auditLog, keySet: ISD_KEY_SET }),
      cards: new Cards(database, auditLog),
      cardBatches: new CardBatches({ database, kms, auditLog }),
      secureElements: new SecureElements(database, auditLog, () => bells.ring(OUTBOX_BELL)),
      certificates: new Certificates(kms, auditLog),
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
        await Promise.all([kmsRest.close(), relays.close()]);
        await platform[Symbol.asyncDispose]();
      },
    };
  },
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
