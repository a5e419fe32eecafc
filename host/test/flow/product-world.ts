// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { PeerError, TransportError, TsmError } from '../../errors.ts';
import { problemOf } from '../../rest/problem.ts';
import type { CardLinks } from '../../service/card-links.ts';
import type { DurableFlow } from '../../service/durable-flow.ts';
import { ApplicationRequests } from '../../service/issuer/application-requests.ts';
import { ContentTokens } from '../../service/issuer/content-tokens.ts';
import { Products } from '../../service/issuer/products.ts';
import { SecureElements } from '../../service/issuer/secure-elements.ts';
import { OUTBOX_BELL, StateChangeOutbox } from '../../service/issuer/state-change-outbox.ts';
import type { KeyService } from '../../service/kms/key-service.ts';
import { CardLocks } from '../../service/provider/card-locks.ts';
import { ContentChanges } from '../../service/provider/content-changes.ts';
import type { KeyDistributions } from '../../service/provider/key-distributions.ts';
import { ProductFlows } from '../../service/provider/product-flows.ts';
import { ProductStates } from '../../service/provider/product-states.ts';
import type { Relays } from '../../service/provider/relays.ts';
import { RENEWAL_BELL, Renewals } from '../../service/provider/renewals.ts';
import { ServiceCatalogue } from '../../service/provider/services/service-catalogue.ts';
import { ServiceInstances } from '../../service/provider/services/service-instances.ts';
import { ServiceProcesses } from '../../service/provider/services/service-processes.ts';
import { ServiceScripts } from '../../service/provider/services/service-scripts.ts';
import { TsmsBackend } from '../../service/provider/tsms/backend.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { AuthenticationFailures } from '../../store/authentication-failures.ts';
import type { Bells } from '../../store/bells.ts';
import { putProduct } from '../../store/issuer/card-products.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { GrantedToken } from '../../wire/message/content-change.ts';
import type { DeploymentState, Ledger, ProductStateChange, TopUpState } from '../../wire/message/platform.ts';
import type { Installer, Product } from '../../workflow/deploy-application/context.ts';
import type { Workflow } from '../../workflow/engine/execution.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';
import type { ProviderSettings } from '../../workflow/key-distribution/provider-context.ts';
import type { IssuerPlatform } from '../../workflow/ports.ts';
import type { LoadPermits } from '../../workflow/top-up/context.ts';

/** SE TSM and SP TSM behind one product, in the world of `in-process.ts`. */

export const PURSE_AID = 'F06F70656E74736D5001';

export interface ProductParts {
  readonly bells: Bells;
  readonly product: Product;
  readonly links: CardLinks;
  readonly relays: Relays;
  readonly issuer: {
    readonly database: Kysely<IssuerTables>;
    readonly kms: KeyService;
    readonly flow: DurableFlow<IssuerTables>;
    readonly settings: IssuerSettings;
  };
  readonly provider: {
    readonly database: Kysely<ProviderTables>;
    readonly kms: KeyService;
    readonly flow: DurableFlow<ProviderTables>;
    readonly settings: ProviderSettings;
    readonly issuer: IssuerPlatform;
    readonly keyDistributions: KeyDistributions;
  };
}

/** Where a test may step in. */
export interface ProductsBetween {
  /** The provider is down for its issuer. */
  providerAway?: boolean;
  /** The issuer is down for its provider. */
  issuerAway?: boolean;
  /** How long the issuer's next permits are good for, in ms, in place of what it says. */
  permitMs?: (validMs: number) => number;
  /** After the permit was given, before the card is credited. */
  afterPermit?: () => Promise<void>;
  beforeChange?: (change: ProductStateChange) => Promise<void>;
  /** What stands between the issuer's tokens, the card and its receipts. */
  token?: (token: GrantedToken) => GrantedToken;
  confirmation?: (confirmation: string | undefined) => string | undefined;
  /** The provider takes the change over, and its acknowledgement is lost. */
  loseAcknowledgement?: boolean;
  /** Where the OTA server knows a card to be. */
  places?: (cardId: CardId) => CardPlace[] | Promise<CardPlace[]>;
}

export class ProductWorld {
  readonly between: ProductsBetween = {};
  readonly product: Product;
  readonly products: Products;
  readonly productFlows: ProductFlows;
  readonly productStates: ProductStates;
  readonly contentTokens: ContentTokens;
  readonly secureElements: SecureElements;
  /** The SP TSM of service providers. */
  readonly services: {
    readonly backend: TsmsBackend;
    readonly instances: ServiceInstances;
    readonly processes: ServiceProcesses;
    readonly scripts: ServiceScripts;
  };
  readonly #applicationRequests: ApplicationRequests;
  readonly #parts: ProductParts;
  #renewals: Renewals | undefined;
  #cardLocks: CardLocks | undefined;

  constructor(parts: ProductParts) {
    const { issuer, provider, relays, links, bells, product } = parts;
    this.#parts = parts;
    this.product = product;
    this.#applicationRequests = new ApplicationRequests({
      database: issuer.database,
      kms: issuer.kms,
      flow: issuer.flow,
      settings: issuer.settings,
      relaysOf: () => ({ exchange: (id, commands) => overHttp(() => relays.exchange(id, 'issuer', commands)) }),
      failures: new AuthenticationFailures(issuer.database, 10),
    });
    const ring = () => bells.ring(OUTBOX_BELL);
    this.products = new Products({ database: issuer.database, auditLog: new AuditLog(issuer.database), ring });
    this.secureElements = new SecureElements(issuer.database, new AuditLog(issuer.database), ring);
    this.productStates = new ProductStates(provider.database, new AuditLog(provider.database), 'issuer', {
      kms: provider.kms.purse,
      products: [product],
    });
    const installer: Installer = {
      requestApplication: (key, request) => this.#issuer(() => this.#applicationRequests.request(key, 'a', request)),
      removeApplication: (key, request) => this.#issuer(() => this.#applicationRequests.remove(key, 'a', request)),
      applicationRequest: (id, wait) => this.#issuer(() => this.#applicationRequests.state(id, 'a', wait)),
    };
    const permits: LoadPermits = {
      take: async (key, request) => {
        const permit = await this.#issuer(() => this.products.takePermit(key, 'a', request));
        await this.between.afterPermit?.();
        return { ...permit, validMs: this.between.permitMs?.(permit.validMs) ?? permit.validMs };
      },
      release: (key) => this.#issuer(() => this.products.releasePermit(key)),
    };
    this.contentTokens = new ContentTokens({
      database: issuer.database,
      kms: issuer.kms,
      auditLog: new AuditLog(issuer.database),
      settings: issuer.settings,
    });
    const contentChanges = new ContentChanges({
      database: provider.database,
      kms: provider.kms,
      issuer: provider.issuer,
      flow: provider.flow,
      links,
      settings: provider.settings,
      failures: new AuthenticationFailures(provider.database, 10),
      tokens: {
        requestToken: async (key, request) => {
          const token = await this.#issuer(() => this.contentTokens.grant(key, 'a', request));
          return this.between.token?.(token) ?? token;
        },
        reportReceipt: (id, { confirmation: told }) => {
          const confirmation = this.between.confirmation === undefined ? told : this.between.confirmation(told);
          const report = confirmation === undefined ? {} : { confirmation };
          return this.#issuer(() => this.contentTokens.report(id, 'a', report));
        },
      },
    });
    const catalogue = new ServiceCatalogue(provider.database);
    this.services = {
      backend: new TsmsBackend(provider.database, new AuditLog(provider.database), provider.settings.ssdAid),
      instances: new ServiceInstances(provider.database, catalogue, () => bells.ring(RENEWAL_BELL)),
      scripts: new ServiceScripts(provider.database, provider.kms.keys),
      processes: new ServiceProcesses({
        database: provider.database,
        kms: provider.kms,
        issuer: provider.issuer,
        flow: provider.flow,
        settings: provider.settings,
        keyDistributions: provider.keyDistributions,
        keySizeBits: 1024,
        permits,
        installer,
        links,
        catalogue,
        contentChanges,
        failures: new AuthenticationFailures(provider.database, 10),
      }),
    };
    this.productFlows = new ProductFlows({
      database: provider.database,
      links,
      flow: provider.flow,
      settings: provider.settings,
      issuer: provider.issuer,
      kms: provider.kms,
      failures: new AuthenticationFailures(provider.database, 10),
      products: [product],
      installer,
      permits,
    });
  }

  get issuerWorkflows(): Readonly<Record<string, Workflow>> {
    return this.#applicationRequests.workflows;
  }

  get providerWorkflows(): Readonly<Record<string, Workflow>> {
    return { ...this.productFlows.workflows, ...this.services.processes.workflows };
  }

  /** Registers product and keys, and begins to hand on changes. */
  async start(): Promise<AsyncDisposable> {
    const { issuer, provider, bells, product } = this.#parts;
    await putProduct(issuer.database, product.productId, 'a');
    await provider.kms.purse.createKeySet({ label: product.keySet, algorithm: product.algorithm });
    const stack = new AsyncDisposableStack();
    this.#renewals = stack.use(
      new Renewals({
        database: provider.database,
        auditLog: new AuditLog(provider.database),
        bells,
        keySizeBits: 1024,
        keyDistributions: provider.keyDistributions,
        productFlows: this.productFlows,
        processes: this.services.processes,
        instances: this.services.instances,
        placesOf: async (cardId) => (await this.between.places?.(cardId)) ?? [],
        onFailure: () => {},
      }),
    );
    this.#cardLocks = stack.use(
      new CardLocks({
        database: provider.database,
        bells,
        processes: this.services.processes,
        onFailure: () => {},
        placesOf: async (cardId) => (await this.between.places?.(cardId)) ?? [],
      }),
    );
    const outbox = new StateChangeOutbox({
      database: issuer.database,
      bells,
      onFailure: () => {},
      providerOf: () => ({
        changeProductState: async (change) => {
          if (this.between.providerAway === true) throw new TransportError('unreachable', 'the provider is down');
          await this.between.beforeChange?.(change);
          await overHttp(() => this.productStates.change(change, 'issuer'));
          if (this.between.loseAcknowledgement === true) {
            this.between.loseAcknowledgement = false;
            throw new TransportError('unreachable', 'the answer was lost');
          }
        },
        putProductStates: (cardId, snapshot) => overHttp(() => this.productStates.put(cardId, snapshot, 'issuer')),
      }),
    });
    stack.use(outbox);
    return stack;
  }

  /** What replaced cards had, on its way to the new ones. */
  get renewals(): Renewals {
    if (this.#renewals === undefined) throw new TransportError('not-started', 'this world has not been started');
    return this.#renewals;
  }

  /** What locks services on cards that were reported lost. */
  get cardLocks(): CardLocks {
    if (this.#cardLocks === undefined) throw new TransportError('not-started', 'this world has not been started');
    return this.#cardLocks;
  }

  async #issuer<T>(act: () => Promise<T>): Promise<T> {
    if (this.between.issuerAway === true) throw new TransportError('unreachable', 'the issuer is down');
    return overHttp(act);
  }

  async deploy(readerName: string, key: string = randomUUID()): Promise<DeploymentState> {
    const request = { productId: this.product.productId, terminalId: 't', readerName };
    let state = await this.productFlows.startDeployment(key, 'operator', request);
    while (state.state === 'running') {
      state = await this.productFlows.deployment(key, { waitMs: 5_000, afterStep: state.steps.length });
    }
    return state;
  }

  async topUp(
    { readerName, cardId }: { readonly readerName: string; readonly cardId: CardId },
    amount: number,
    key: string = randomUUID(),
  ): Promise<TopUpState> {
    const request = { productId: this.product.productId, cardId, amount, terminalId: 't', readerName };
    let state = await this.productFlows.startTopUp(key, 'front', request);
    while (state.state === 'running') {
      state = await this.productFlows.topUp(key, { waitMs: 5_000, afterStep: state.steps.length });
    }
    return state;
  }

  /** Settles and reads the purse, and compares. */
  async ledger(card: { readonly readerName: string; readonly cardId: CardId }, serial: string): Promise<Ledger> {
    await this.topUp(card, 0);
    return this.productStates.ledger(serial);
  }

  async reportLoss(cardId: CardId, key: string = randomUUID()) {
    return this.products.reportLoss(key, 'front', { cardId, reason: 'lost', reportedBy: 'user' });
  }

  /** Waits until the providers have taken over what this report changed. */
  async synchronised(reportId: string): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await this.products.lossReport(reportId)).synchronised) {
      if (Date.now() > deadline) throw new TransportError('not-synchronised', 'The provider was not told');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The other platform's errors, as they come over HTTP. */
async function overHttp<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    const { status, detail, numeral } = problemOf(error);
    throw new PeerError(error.code, detail ?? '', { status, numeral });
  }
}
