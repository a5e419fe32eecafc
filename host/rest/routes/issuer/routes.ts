// SPDX-License-Identifier: Apache-2.0
import type { AuthenticationFuse } from '../../../service/authentication-fuse.ts';
import type { ApplicationRequests } from '../../../service/issuer/application-requests.ts';
import type { Applications } from '../../../service/issuer/applications.ts';
import type { CardBatches } from '../../../service/issuer/card-batches.ts';
import type { Cards } from '../../../service/issuer/cards.ts';
import type { Certificates } from '../../../service/issuer/certificates.ts';
import type { ContentTokens } from '../../../service/issuer/content-tokens.ts';
import type { Keys } from '../../../service/issuer/keys.ts';
import type { Products } from '../../../service/issuer/products.ts';
import type { Providers } from '../../../service/issuer/providers.ts';
import type { SecureElements } from '../../../service/issuer/secure-elements.ts';
import type { SecurityDomainResources } from '../../../service/issuer/security-domain-resources.ts';
import type { AuditLog } from '../../../store/audit-log.ts';
import type { RestApp } from '../../app.ts';
import { type FlowService, flowRoutes } from '../flows.ts';
import { auditRecordRoutes } from '../operator/audit-records.ts';
import { authenticationFailureRoutes } from '../operator/authentication-failures.ts';
import { cardBatchRoutes } from './card-batches.ts';
import { cardRoutes } from './cards.ts';
import { certificateRoutes } from './certificates.ts';
import { contentTokenRoutes } from './content-tokens.ts';
import { applicationRequestRoutes, productRoutes } from './products.ts';
import { providerRegistrationRoutes } from './providers.ts';
import { secureElementRoutes } from './secure-elements.ts';
import { securityDomainRequestRoutes } from './security-domain-requests.ts';
import { securityDomainResourceRoutes } from './security-domain-resources.ts';

export interface IssuerServices {
  readonly applications: Applications;
  readonly securityDomains: SecurityDomainResources;
  readonly applicationRequests: ApplicationRequests;
  readonly products: Products;
  readonly contentTokens: ContentTokens;
  readonly cards: Cards;
  readonly cardBatches: CardBatches;
  readonly secureElements: SecureElements;
  readonly certificates: Certificates;
  readonly keys: Keys;
  readonly providers: Providers;
  readonly auditLog: AuditLog;
  readonly fuse: AuthenticationFuse;
  readonly flows: FlowService;
}

/** Requests of providers, and the five subsystems for the issuer's operators. */
export function issuerRoutes(app: RestApp, services: IssuerServices): void {
  securityDomainRequestRoutes(app, services.applications);
  securityDomainResourceRoutes(app, services.securityDomains);
  applicationRequestRoutes(app, services.applicationRequests);
  productRoutes(app, services.products);
  contentTokenRoutes(app, services.contentTokens);
  providerRegistrationRoutes(app, services.providers);
  cardRoutes(app, services.cards, services.applications);
  cardBatchRoutes(app, services.cardBatches);
  secureElementRoutes(app, services.secureElements);
  certificateRoutes(app, services.certificates, services.keys);
  flowRoutes(app, services.flows, ['operator']);
  authenticationFailureRoutes(app, services.fuse);
  auditRecordRoutes(app, services.auditLog);
}
