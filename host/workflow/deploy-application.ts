// SPDX-License-Identifier: Apache-2.0
import { checkInstallPermission } from './deploy-application/check-install-permission.ts';
import { confirmPurse } from './deploy-application/confirm-purse.ts';
import type { DeployContext, DeployStart, InstallContext, InstallStart } from './deploy-application/context.ts';
import { loadApplication } from './deploy-application/load-application.ts';
import { lookForApplication } from './deploy-application/look-for-application.ts';
import { lookForPurse } from './deploy-application/look-for-purse.ts';
import { namePurse, personalisePurse } from './deploy-application/personalise-purse.ts';
import { readContent } from './deploy-application/read-content.ts';
import { readLibraries } from './deploy-application/read-libraries.ts';
import { readRegistry } from './deploy-application/read-registry.ts';
import { recordApplication } from './deploy-application/record-application.ts';
import { recordInstance } from './deploy-application/record-instance.ts';
import { requestApplication } from './deploy-application/request-application.ts';
import { Flow } from './engine/flow.ts';
import { readIccid } from './key-distribution/41-read-iccid.ts';
import { probeSecurityDomain } from './key-distribution/41a-probe-security-domain.ts';
import { findCard } from './key-distribution/44-find-card.ts';
import { openIssuerChannel } from './key-distribution/46-open-issuer-channel.ts';
import { selectFinishedDomain } from './key-distribution/54-select-security-domain.ts';
import { openProviderChannel } from './key-distribution/55-open-provider-channel.ts';

/**
 * A purse comes into the provider's own domain: the issuer loads and installs it and hands it over, the provider
 * personalises it. Rows, trips and visits as in `key-distribution.ts`. For readers: docs/top-up.md section 2.
 */

const card = 'card' as const;
const issuer = 'issuer' as const;
const provider = 'provider' as const;

/** D3 to D8: the card issuer management platform. */
export const installSteps = new Flow<InstallContext, InstallStart>()
  .admit('D3', [issuer, issuer], 'repeatable', checkInstallPermission)
  .admit('D4', [issuer, issuer], 'repeatable', findCard)
  .visit('installApplication', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('D5', [issuer, card], 'check-first', lookForApplication)
          .row('D5a', [issuer, card], 'repeatable', openIssuerChannel),
      )
      .protected((trip) => trip.row('D6', [issuer, card], 'repeatable', readRegistry))
      .protected((trip) => trip.row('D6a', [issuer, card], 'repeatable', readLibraries))
      .protected((trip) =>
        trip
          .row('D7', [issuer, card], 'check-first', loadApplication)
          .row('D7a', [issuer, card], 'repeatable', readContent),
      )
      // In the visit, which begins again where its turn is lost.
      .host('D8', [issuer, provider], 'repeatable', recordApplication),
  );

/** D1, D2 and D9 to D13: the application provider management platform. */
export const deploySteps = new Flow<DeployContext, DeployStart>()
  .visit('readCard', (visit) =>
    visit.trip((trip) =>
      trip
        .row('D1', [provider, card], 'repeatable', readIccid)
        .row('D1a', [provider, card], 'repeatable', probeSecurityDomain),
    ),
  )
  .host('D2', [provider, issuer], 'repeatable', requestApplication)
  .elsewhere('installSteps', 'D3', 'D4', 'D5', 'D5a', 'D6', 'D6a', 'D7', 'D7a', 'D8')
  .visit('personalise', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('D9', [provider, card], 'check-first', lookForPurse)
          .row('D10', [provider, card], 'check-first', selectFinishedDomain)
          .row('D10a', [provider, card], 'repeatable', openProviderChannel),
      )
      .protected((trip) => trip.row('D11', [provider, card], 'repeatable', namePurse))
      .protected((trip) => trip.row('D11a', [provider, card], 'once-only', personalisePurse))
      .trip((trip) => trip.row('D12', [provider, card], 'repeatable', confirmPurse)),
  )
  .host('D13', [provider, provider], 'repeatable', recordInstance);
