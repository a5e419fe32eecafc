// SPDX-License-Identifier: Apache-2.0
import {
  readApplications,
  readMoreApplications,
  switchApplications,
  unlockApplications,
} from './deploy-service/application-states.ts';
import type { ServiceContext, ServiceStart } from './deploy-service/context.ts';
import { installApplications, removeApplications } from './deploy-service/install-applications.ts';
import { lookForApplications } from './deploy-service/look-for-applications.ts';
import { personaliseApplications, recordPersonalised } from './deploy-service/personalise-applications.ts';
import { provideSecurityDomain } from './deploy-service/provide-security-domain.ts';
import { requireCard } from './deploy-service/require-card.ts';
import { requireKeys } from './deploy-service/require-keys.ts';
import { runScript } from './deploy-service/run-script.ts';
import { Flow } from './engine/flow.ts';
import { readIccid } from './key-distribution/41-read-iccid.ts';
import { probeSecurityDomain } from './key-distribution/41a-probe-security-domain.ts';
import { selectFinishedDomain } from './key-distribution/54-select-security-domain.ts';
import { openProviderChannel } from './key-distribution/55-open-provider-channel.ts';

/**
 * What is done with an instance of a service on its card. Rows, trips and visits as in `key-distribution.ts`. For
 * readers: docs/tsms.md section 4.
 */

const card = 'card' as const;
const issuer = 'issuer' as const;
const provider = 'provider' as const;

const begun = new Flow<ServiceContext, ServiceStart>()
  .visit('readCard', (visit) =>
    visit.trip((trip) =>
      trip
        .row('S1', [provider, card], 'repeatable', readIccid)
        .row('S1a', [provider, card], 'repeatable', probeSecurityDomain),
    ),
  )
  .host('S2', [provider, provider], 'repeatable', requireCard);

/** Deploys and updates: S3 to S13. */
export const deployServiceSteps = begun
  .host('S2a', [provider, provider], 'repeatable', requireKeys)
  .host('S3', [provider, card], 'check-first', provideSecurityDomain)
  .host('S4', [provider, issuer], 'repeatable', removeApplications)
  .host('S5', [provider, issuer], 'repeatable', installApplications)
  .visit('personaliseApplications', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('S6', [provider, card], 'check-first', lookForApplications)
          .row('S7', [provider, card], 'check-first', selectFinishedDomain)
          .row('S7a', [provider, card], 'repeatable', openProviderChannel),
      )
      .protected((trip) => trip.row('S8', [provider, card], 'repeatable', readApplications))
      .protected((trip) => trip.row('S8a', [provider, card], 'repeatable', readMoreApplications))
      .protected((trip) => trip.row('S9', [provider, card], 'check-first', unlockApplications))
      .protected((trip) => trip.row('S10', [provider, card], 'check-first', personaliseApplications))
      .host('S11', [provider, provider], 'repeatable', recordPersonalised)
      .protected((trip) => trip.row('S12', [provider, card], 'repeatable', readApplications))
      .protected((trip) => trip.row('S12a', [provider, card], 'repeatable', readMoreApplications))
      .protected((trip) => trip.row('S13', [provider, card], 'check-first', switchApplications)),
  );

/** Suspends and resumes; locks and frees for the issuer. */
export const switchServiceSteps = begun.visit('switchApplications', (visit) =>
  visit
    .trip((trip) =>
      trip
        .row('S7', [provider, card], 'check-first', selectFinishedDomain)
        .row('S7a', [provider, card], 'repeatable', openProviderChannel),
    )
    .protected((trip) => trip.row('S12', [provider, card], 'repeatable', readApplications))
    .protected((trip) => trip.row('S12a', [provider, card], 'repeatable', readMoreApplications))
    .protected((trip) => trip.row('S13', [provider, card], 'check-first', switchApplications)),
);

/** Takes all of it off the card; the domain stays, it is the provider's. */
export const terminateServiceSteps = begun.host('S4', [provider, issuer], 'repeatable', removeApplications);

/** Runs the script of an action. */
export const executeServiceSteps = begun.visit('runScript', (visit) =>
  visit.host('S14', [provider, card], 'once-only', runScript),
);

/** The same where the card still has the application locked for its issuer. */
export const unlockAndExecuteSteps = switchServiceSteps.visit('runScript', (visit) =>
  visit.host('S14', [provider, card], 'once-only', runScript),
);
