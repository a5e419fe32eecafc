// SPDX-License-Identifier: Apache-2.0
import { Flow } from './engine/flow.ts';
import { readIccid } from './key-distribution/41-read-iccid.ts';
import { probeSecurityDomain } from './key-distribution/41a-probe-security-domain.ts';
import { attestFoundDomain } from './key-distribution/41b-attest-found-domain.ts';
import { findSecurityDomain } from './key-distribution/41c-find-security-domain.ts';
import { requestSecurityDomain } from './key-distribution/42-request-security-domain.ts';
import { checkProviderPermission } from './key-distribution/43-check-provider-permission.ts';
import { findCard } from './key-distribution/44-find-card.ts';
import { selectIssuerSecurityDomain } from './key-distribution/45-select-issuer-security-domain.ts';
import { openIssuerChannel } from './key-distribution/46-open-issuer-channel.ts';
import { putContentKeys } from './key-distribution/46b-put-content-keys.ts';
import { lookAtApplication, lookAtDomain } from './key-distribution/46c-look-at-domain.ts';
import { installSecurityDomain } from './key-distribution/47-install-security-domain.ts';
import { generateInitialKeyPair } from './key-distribution/48-generate-initial-key-pair.ts';
import { putTrustPoint } from './key-distribution/50-put-trust-point.ts';
import { reportSecurityDomain } from './key-distribution/52-report-security-domain.ts';
import { recordSecurityDomain } from './key-distribution/53-record-security-domain.ts';
import { selectSecurityDomain } from './key-distribution/54-select-security-domain.ts';
import { attestSecurityDomain } from './key-distribution/54a-attest-security-domain.ts';
import { openProviderChannel } from './key-distribution/55-open-provider-channel.ts';
import { regenerateKeyPair } from './key-distribution/56-regenerate-key-pair.ts';
import { attestOwnKeyPair } from './key-distribution/57a-attest-own-key-pair.ts';
import { issueCertificate } from './key-distribution/58-issue-certificate.ts';
import { putCertificate } from './key-distribution/59-put-certificate.ts';
import { installKeyedDomain } from './key-distribution/initial-keys/47-install-keyed-domain.ts';
import { putInitialKeys } from './key-distribution/initial-keys/48-put-initial-keys.ts';
import type { DomainStart, IssuerContext, IssuerStart, WishedKeys } from './key-distribution/issuer-context.ts';
import { selectNativeIssuerDomain } from './key-distribution/native-issuer/45-select-issuer-domain.ts';
import { openNativeIssuerChannel } from './key-distribution/native-issuer/46-open-issuer-channel.ts';
import { loadPackage } from './key-distribution/native-issuer/46a-load-package.ts';
import { installAsApplication } from './key-distribution/native-issuer/47-install-application.ts';
import { storeGenerate, storeTrustPoint } from './key-distribution/native-issuer/48-store-commands.ts';
import { readInitialPublicKey } from './key-distribution/native-issuer/51a-read-public-key.ts';
import type { ProviderContext, ProviderStart } from './key-distribution/provider-context.ts';

/**
 * Key distribution to a supplementary security domain, steps 41 to 60, as two platforms do it. One row per
 * numeral, in order, each naming one function; lettered rows are ours. Rows of one `trip` or `protected` travel in
 * one round trip; `host` rows touch no card. Every `host` row and `visit` is one durable step: after a break it is
 * done again as a whole, looking at the card first. The same rows for readers: docs/key-distribution.md.
 */

const card = 'card' as const;
const issuer = 'issuer' as const;
const provider = 'provider' as const;

/** Steps 43 to 52: the card issuer management platform. */
export const issuerSteps = new Flow<IssuerContext, IssuerStart>()
  .admit('43', [issuer, issuer], 'repeatable', checkProviderPermission)
  .admit('44', [issuer, issuer], 'repeatable', findCard)
  .visit('createSecurityDomain', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('45', [issuer, card], 'check-first', selectIssuerSecurityDomain)
          .row('46', [issuer, card], 'repeatable', openIssuerChannel),
      )
      .protected((trip) => trip.row('46b', [issuer, card], 'check-first', putContentKeys))
      .protected((trip) => trip.row('46c', [issuer, card], 'check-first', lookAtDomain))
      .protected((trip) =>
        trip
          .row('47', [issuer, card], 'check-first', installSecurityDomain)
          .row('48-49', [issuer, card], 'repeatable', generateInitialKeyPair)
          .row('50-51', [issuer, card], 'repeatable', putTrustPoint),
      ),
  )
  .host('52', [issuer, provider], 'repeatable', reportSecurityDomain);

/**
 * Steps 43 to 52 on a card whose ISD is its maker's and speaks SCP02 or SCP03 (docs/cards.md): our package comes by
 * LOAD, the SSD is an ordinary application, and what it is handed goes by STORE DATA, which it does not answer.
 */
export const nativeIssuerSteps = new Flow<IssuerContext, IssuerStart>()
  .admit('43', [issuer, issuer], 'repeatable', checkProviderPermission)
  .admit('44', [issuer, issuer], 'repeatable', findCard)
  .visit('createApplication', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('45', [issuer, card], 'check-first', selectNativeIssuerDomain)
          .row('46', [issuer, card], 'repeatable', openNativeIssuerChannel),
      )
      .protected((trip) => trip.row('46a', [issuer, card], 'check-first', loadPackage))
      .protected((trip) => trip.row('46c', [issuer, card], 'check-first', lookAtApplication))
      .protected((trip) =>
        trip
          .row('47', [issuer, card], 'check-first', installAsApplication)
          .row('48-49', [issuer, card], 'repeatable', storeGenerate)
          .row('50-51', [issuer, card], 'repeatable', storeTrustPoint),
      )
      .trip((trip) => trip.row('51a', [issuer, card], 'repeatable', readInitialPublicKey)),
  )
  .host('52', [issuer, provider], 'repeatable', reportSecurityDomain);

/** Steps 43 to 48 for an owner who has no CA: a key set in the place of pair and trust point. */
export const initialKeySteps = new Flow<IssuerContext, DomainStart & { readonly keys: WishedKeys }>()
  .admit('43', [issuer, issuer], 'repeatable', checkProviderPermission)
  .admit('44', [issuer, issuer], 'repeatable', findCard)
  .visit('createKeyedDomain', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('45', [issuer, card], 'check-first', selectIssuerSecurityDomain)
          .row('46', [issuer, card], 'repeatable', openIssuerChannel),
      )
      .protected((trip) => trip.row('46c', [issuer, card], 'check-first', lookAtDomain))
      .protected((trip) => trip.row('47', [issuer, card], 'check-first', installKeyedDomain))
      .protected((trip) => trip.row('48', [issuer, card], 'repeatable', putInitialKeys)),
  );

/** Steps 41, 42 and 53 to 60: the application provider management platform. */
export const providerSteps = new Flow<ProviderContext, ProviderStart>()
  .visit('readCard', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('41', [provider, card], 'repeatable', readIccid)
          .row('41a', [provider, card], 'repeatable', probeSecurityDomain),
      )
      .trip((trip) => trip.row('41b', [provider, card], 'repeatable', attestFoundDomain))
      .host('41c', [provider, provider], 'repeatable', findSecurityDomain),
  )
  .host('42', [provider, issuer], 'repeatable', requestSecurityDomain)
  .elsewhere('issuerSteps', '43', '44', '45', '46', '46b', '46c', '47', '48-49', '50-51', '52')
  .host('53', [provider, provider], 'check-first', recordSecurityDomain)
  .visit('takeOwnership', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('54', [provider, card], 'check-first', selectSecurityDomain)
          .row('54a', [provider, card], 'repeatable', attestSecurityDomain)
          .row('55', [provider, card], 'repeatable', openProviderChannel),
      )
      .protected((trip) =>
        trip
          .row('56-57', [provider, card], 'once-only', regenerateKeyPair)
          .row('57a', [provider, card], 'repeatable', attestOwnKeyPair),
      )
      .host('58', [provider, provider], 'repeatable', issueCertificate),
  )
  .visit('putCertificate', (visit) =>
    visit
      // Only after a break: the channel of the visit before lives in the KMS and is used as long as it is there.
      .reopen((trip) =>
        trip
          .row('54', [provider, card], 'check-first', selectSecurityDomain)
          .row('54a', [provider, card], 'repeatable', attestSecurityDomain)
          .row('55', [provider, card], 'repeatable', openProviderChannel),
      )
      .protected((trip) => trip.row('59-60', [provider, card], 'repeatable', putCertificate)),
  );
