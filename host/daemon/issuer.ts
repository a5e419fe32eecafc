import { Type } from 'typebox';
import { RestClient } from '../rest/client.ts';
import { cardRelaysClient } from '../rest/clients/card-relays.ts';
import { kmsClient } from '../rest/clients/kms.ts';
import type { TlsIdentity } from '../rest/identity.ts';
import { issuerRoutes } from '../rest/routes/issuer.ts';
import { Applications, CREATE_SECURITY_DOMAIN } from '../service/issuer/applications.ts';
import { Cards } from '../service/issuer/cards.ts';
import { Certificates } from '../service/issuer/certificates.ts';
import { Keys } from '../service/issuer/keys.ts';
import { Providers } from '../service/issuer/providers.ts';
import { provideOffCardEntity } from '../service/off-card-entity.ts';
import { AuditLog } from '../store/audit-log.ts';
import { AuthenticationFailures } from '../store/authentication-failures.ts';
import { openDatabase } from '../store/database.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../store/issuer/schema.ts';
import { StepLog } from '../store/step-log.ts';
import { startEngine } from '../workflow/engine/durable.ts';
import { defineDaemon } from './daemon.ts';
import { DEFAULTS, OFF_CARD_ENTITY_LABEL, platformFields, WORKFLOW_VERSION, watchOf } from './platform-config.ts';

export const IssuerConfig = Type.Object(platformFields, { additionalProperties: false });

/** The card issuer management platform (SE TSM). */
export const issuerDaemon = defineDaemon({
  name: 'issuer',
  config: IssuerConfig,
  async start({ config, logger, tls, self }) {
    const settings = { ...DEFAULTS, ...config };
    const database = await openDatabase<IssuerTables>({
      url: config.database.url,
      migrations: ISSUER_MIGRATIONS,
      onError: (error) => logger.warn({ reason: error.message }, 'database connection failed'),
    });
    const kmsRest = new RestClient({ baseUrl: config.kms.url, tls, expectedPeer: config.kms });
    const kms = kmsClient(kmsRest);
    const relays = new ProviderRelays(tls);
    const entity = await provideOffCardEntity(database, kms, {
      label: OFF_CARD_ENTITY_LABEL,
      holderReference: config.holderReference,
      keySizeBits: settings.offCardEntityKeySizeBits,
    });
    const platform = { offCardEntityLabel: entity.label, offCardEntityCertificate: entity.certificate };
    const keys = new Keys(kms, platform);
    const auditLog = new AuditLog(database);
    const failures = new AuthenticationFailures(database, settings.authenticationLimit);
    const applications = new Applications({
      ...{ database, kms, auditLog, failures, stepLog: new StepLog(database), windowMs: settings.resumeWindowMs },
      relaysOf: (providerId, baseUrl) => cardRelaysClient(relays.of(providerId, baseUrl)),
      settings: platform,
      watch: watchOf(logger),
    });
    const engine = await startEngine({
      databaseUrl: config.database.url,
      name: `issuer-${self.id}`,
      version: WORKFLOW_VERSION,
      nodeId: settings.nodeId,
      workflows: { [CREATE_SECURITY_DOMAIN]: applications.body },
      attach: (started) => applications.attach(started),
      log: { info: (text) => logger.debug(text), error: (text) => logger.error(text) },
    });
    const services = {
      ...{ applications, keys, auditLog, failures },
      cards: new Cards(database),
      certificates: new Certificates(kms, auditLog),
      providers: new Providers(database),
    };
    return {
      routes: (app) => issuerRoutes(app, services),
      ready: () => keys.check(),
      drain: () => engine.stop(),
      close: async () => {
        await Promise.all([kmsRest.close(), relays.close()]);
        await database.destroy();
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
