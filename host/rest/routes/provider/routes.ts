// SPDX-License-Identifier: Apache-2.0
import type { AuthenticationFuse } from '../../../service/authentication-fuse.ts';
import type { CardLocks } from '../../../service/provider/card-locks.ts';
import type { ContentChanges } from '../../../service/provider/content-changes.ts';
import type { KeyDistributions } from '../../../service/provider/key-distributions.ts';
import type { ProductFlows } from '../../../service/provider/product-flows.ts';
import type { ProductStates } from '../../../service/provider/product-states.ts';
import type { Relays } from '../../../service/provider/relays.ts';
import type { Renewals } from '../../../service/provider/renewals.ts';
import type { SecurityDomains } from '../../../service/provider/security-domains.ts';
import type { ChipRanges } from '../../../service/provider/services/chip-ranges.ts';
import type { ServiceInstances } from '../../../service/provider/services/service-instances.ts';
import type { ServiceProcesses } from '../../../service/provider/services/service-processes.ts';
import type { TsmsBackend } from '../../../service/provider/tsms/backend.ts';
import type { AuditLog } from '../../../store/audit-log.ts';
import type { RestApp } from '../../app.ts';
import { type FlowService, flowRoutes } from '../flows.ts';
import { auditRecordRoutes } from '../operator/audit-records.ts';
import { authenticationFailureRoutes } from '../operator/authentication-failures.ts';
import { cardContactRoutes } from './card-contacts.ts';
import { cardRelayRoutes } from './card-relays.ts';
import { contentChangeRoutes } from './content-changes.ts';
import { keyDistributionRoutes } from './key-distributions.ts';
import { productFlowRoutes, productStateRoutes } from './products.ts';
import { renewalRoutes } from './renewals.ts';
import { securityDomainRoutes } from './security-domains.ts';
import { serviceProviderRoutes } from './service-providers.ts';
import { serviceInstanceRoutes, serviceProcessRoutes } from './services.ts';

export interface ProviderServices {
  readonly keyDistributions: KeyDistributions;
  readonly productFlows: ProductFlows;
  readonly productStates: ProductStates;
  readonly contentChanges: ContentChanges;
  readonly relays: Relays;
  readonly renewals: Renewals;
  readonly cardLocks: Pick<CardLocks, 'contact'>;
  readonly securityDomains: SecurityDomains;
  readonly tsms: TsmsBackend;
  readonly chips: ChipRanges;
  readonly instances: ServiceInstances;
  readonly processes: ServiceProcesses;
  readonly auditLog: AuditLog;
  readonly fuse: AuthenticationFuse;
  readonly flows: FlowService;
}

/** The issuer's relay, and the subsystems for the provider's operators. */
export function providerRoutes(app: RestApp, services: ProviderServices): void {
  keyDistributionRoutes(app, services.keyDistributions);
  productFlowRoutes(app, services.productFlows);
  productStateRoutes(app, services.productStates);
  contentChangeRoutes(app, services.contentChanges);
  cardRelayRoutes(app, services.relays);
  renewalRoutes(app, services.renewals);
  cardContactRoutes(app, services.cardLocks);
  securityDomainRoutes(app, services.securityDomains);
  serviceProviderRoutes(app, services.tsms, services.chips);
  serviceInstanceRoutes(app, services.instances);
  serviceProcessRoutes(app, services.processes);
  flowRoutes(app, services.flows, ['operator']);
  authenticationFailureRoutes(app, services.fuse);
  auditRecordRoutes(app, services.auditLog);
}
